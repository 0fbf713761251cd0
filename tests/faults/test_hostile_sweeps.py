"""Hostile sweep files: they take little memory and time, and reach nothing outside the store."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.watching import contents, watching
from tests.orchestrator.running import refused, sparsest, write_sweep

GRID = "[grid]\nlr = [0.1]\n"


def grid(*lines: str) -> str:
    return 'name = "mine"\n[grid]\n' + "\n".join(lines) + "\n"


def listed(count: int, make: Callable[[int], str]) -> str:
    return "[" + ",".join(make(n) for n in range(count)) + "]"


BOMBS: dict[str, str | bytes] = {
    "arrays in arrays": 'name = "mine"\nx = ' + "[" * 100_000 + "]" * 100_000,
    "tables in tables": 'name = "mine"\nx = ' + "{a=" * 50_000 + "1" + "}" * 50_000,
    "arrays that can be parsed": 'name = "mine"\nx = ' + "[" * 300 + "]" * 300,
    "quoted dotted keys": 'name = "mine"\n' + "'a'." * 100_000 + "b = 1\n" + GRID,
    "spaced dotted keys": 'name = "mine"\n' + "a . " * 100_000 + "b = 1\n" + GRID,
    "one long word": "a" * 1_000_000,
    "dotted keys": 'name = "mine"\n' + "a." * 200_000 + "b = 1\n" + GRID,
    "dotted keys in grid": 'name = "mine"\n[grid]\n' + "lr." * 200_000 + "b = 1\n",
    "header of dots": 'name = "mine"\n[' + "a." * 200_000 + "b]\n",
    "integer of 4,000 digits": grid(f"width = [{'9' * 4000}]"),
    "integer of 900,000 digits": grid(f"width = [{'9' * 900_000}]"),
    "hexadecimal integer": grid(f"width = [0x{'f' * 900_000}]"),
    "exponent": grid("lr = [1e999999]"),
    "infinite rate": grid("lr = [inf]"),
    "rate that is no number": grid("lr = [nan]"),
    "replicates of 4,000 digits": f'name = "mine"\nreplicates = {"9" * 4000}\n' + GRID,
    "negative replicates": 'name = "mine"\nreplicates = -1\n' + GRID,
    "grid of 10^30": 'name = "mine"\nreplicates = 1000000000\n'
    + '[grid]\nstructure = ["1x1x1"]\nlr = '
    + listed(1000, lambda n: f"0.{n + 1:04}")
    + "\nmomentum = "
    + listed(1000, lambda n: f"0.{n:04}")
    + "\nweight_decay = "
    + listed(1000, lambda n: f"0.{n:04}")
    + "\nepochs = "
    + listed(1000, lambda n: str(n + 1))
    + "\nbatch_size = "
    + listed(1000, lambda n: str(n + 1)),
    "hyperparameters of 10^9": 'name = "mine"\n[rigl]\ninterval = '
    + listed(100_000, lambda n: str(n + 1))
    + "\nend = "
    + listed(10_000, lambda n: f"0.{n + 1:05}")
    + '\n[grid]\nmethod = ["rigl"]\ntarget_nnz = [20]\n',
    "masks beyond counting": grid('structure = ["999999999x999999999"]', 'masks = "all"'),
    "masks of a wide layer": grid(
        "width = [1000]", 'structure = ["1000x1000x1000"]', 'masks="all"'
    ),
    "64 layers": grid(f'structure = ["{"x".join(["999999999"] * 64)}"]'),
    "a million layers": grid(f'structure = ["{"x".join(["1"] * 400_000)}"]'),
    "long string": grid(f'method = ["{"a" * 900_000}"]'),
    "long mask": grid('structure = ["1x1x1"]', f'mask1 = ["{"1" * 900_000}"]'),
    "mask of many rows": grid('structure = ["1x1x1"]', f'mask1 = ["{"|".join(["1"] * 50_000)}"]'),
    "long list": grid("lr = " + listed(120_000, lambda n: f"1.{n}")),
    "many tables": 'name = "mine"\n' + "[[grid]]\nlr=[1.0]\n" * 30_000,
    "many keys": 'name = "mine"\n[grid]\n' + "".join(f"k{n} = 1\n" for n in range(60_000)),
    "a date": grid("lr = [1979-05-27T07:32:00Z]"),
    "larger than allowed": "#" * (2 << 20),
    "not UTF-8": b'name = "\xff\xfe"\n' + GRID.encode(),
    "UTF-16": ('name = "mine"\n' + GRID).encode("utf-16"),
    "NUL": b'name = "mi\x00ne"\n' + GRID.encode(),
    "surrogate": b'name = "\\ud800"\n' + GRID.encode(),
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_with_a_short_message(name: str, tmp_path: Path) -> None:
    content = BOMBS[name]
    file = tmp_path / "bomb.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    before = contents(tmp_path)
    with watching():
        message = refused("plan", file, "--store", tmp_path / "store")
    assert "bomb.toml" in message
    assert len(message) < 20_000
    assert contents(tmp_path) == before


NAMES = [
    "../outside",
    "/tmp/outside",
    "..",
    ".",
    "",
    "a/b",
    "a\\\\b",
    "a\\u0000b",
    "~root",
    "$HOME",
    "`id`",
    "a b",
    "-rf",
    "a\\nb",
    "\\u001b[31m",
    "\\u202ea",
    "paper",
    "random",
    "con:1",
    "x" * 65,
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_name_is_refused(name: str, tmp_path: Path) -> None:
    file = write_sweep(tmp_path / "mine.toml", "lr = [0.1]", name=name)
    with watching():
        message = refused("run", file, "--store", tmp_path / "store", "--executor", "inline")
    assert "name" in message
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "dangling link"])
def test_path_that_is_not_a_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nothing")
    message = refused("plan", path, "--store", tmp_path / "store")
    assert "mine.toml" in message
    assert "regular" in message or "cannot be read" in message


def test_thousand_million_replicates_can_be_planned(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nreplicates = 1000000000\n' + GRID + 'structure = ["1x1x1"]\n')
    ended = sparsest("plan", file, "--store", tmp_path / "store")
    assert ended.code == 0, ended.err
    assert "1,000,000,000" in ended.out
