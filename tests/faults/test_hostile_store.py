"""Stores that somebody else has made, in order to be opened: links, pipes, crafted entries."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.log.files import read_log
from storage.log.seal import seal, unseal
from storage.paths import StorePaths
from tests.faults.watching import contents, watching
from tests.orchestrator.running import sparsest, train, write_sweep

COMMANDS: list[tuple[str, ...]] = [
    ("status",),
    ("verify",),
    ("query", "SELECT count(*) FROM results"),
    ("compact",),
    ("forget", "--where", "true", "--yes"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    sweep = write_sweep(folder / "two.toml", 'structure = ["1x1x1"]\nlr = [0.01, 0.02]')
    train([sweep], folder / "store")
    return folder / "store"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "inside" / "store")
    return tmp_path / "inside" / "store"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody's own, which looks like what a writer leaves behind."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("diary.txt", "0" * 32, "0" * 32 + ".parquet", "00000009.json"):
        (folder / name).write_text("secret")
    return folder


def linked(name: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        shutil.rmtree(store / name)
        (store / name).symlink_to(outside)

    return craft


def link_lock(store: Path, outside: Path) -> None:
    (store / "lock").unlink(missing_ok=True)
    (store / "lock").symlink_to(outside / "diary.txt")


def link_entry(store: Path, outside: Path) -> None:
    (store / "log" / "00000004.json").symlink_to(outside / "diary.txt")


def link_marker(store: Path, outside: Path) -> None:
    (store / "store.json").unlink()
    (store / "store.json").symlink_to(outside / "diary.txt")


def link_part(store: Path, outside: Path) -> None:
    (part,) = (store / "data").iterdir()
    part.unlink()
    part.symlink_to(outside / "diary.txt")


def pipe(name: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        (store / name).unlink(missing_ok=True)
        os.mkfifo(store / name)

    return craft


def pipe_for_part(store: Path, outside: Path) -> None:
    (part,) = (store / "data").iterdir()
    part.unlink()
    os.mkfifo(part)


def entry(**changes: Any) -> Callable[[Path, Path], None]:
    """Changes what the entry of the data file says; sealed as its writer would have."""

    def craft(store: Path, outside: Path) -> None:
        number = 1 + [e.kind for e in read_log(StorePaths.of(store))].index("rows")
        file = StorePaths.of(store).entry(number)
        record = json.loads(unseal(file.read_bytes()))
        record["entry"] |= changes
        overwrite(file, json.dumps(record))

    return craft


def begin(**changes: Any) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        file = StorePaths.of(store).entry(1)
        record = json.loads(unseal(file.read_bytes()))
        record["entry"] |= changes
        overwrite(file, json.dumps(record))

    return craft


def text(record: str) -> Callable[[Path, Path], None]:
    return lambda store, outside: overwrite(StorePaths.of(store).entry(1), record)


def removes(*names: str) -> Callable[[Path, Path], None]:
    def craft(store: Path, outside: Path) -> None:
        said = {"kind": "replaced", "command": "", "removed": list(names), "parts": []}
        record = json.dumps({"format": 4, "number": 4, "entry": said})
        (store / "log" / "00000004.json").write_bytes(seal(record))

    return craft


def overwrite(file: Path, record: str) -> None:
    file.chmod(0o644)
    file.write_bytes(seal(record))


ONE = "0" * 32
CRAFTED: dict[str, Callable[[Path, Path], None]] = {
    "folder tmp is a link": linked("tmp"),
    "folder data is a link": linked("data"),
    "folder log is a link": linked("log"),
    "marker is a link": link_marker,
    "log entry is a link": link_entry,
    "data file is a link": link_part,
    "marker is a pipe": pipe("store.json"),
    "log entry is a pipe": pipe("log/00000002.json"),
    "data file is a pipe": pipe_for_part,
    "file above the store": entry(file="../../outside/" + ONE + ".parquet"),
    "file with an absolute path": entry(file="/etc/passwd"),
    "file with a NUL": entry(file=ONE + ".parquet\0"),
    "file with a line": entry(file=ONE + ".parquet\n"),
    "file that is a pattern": entry(file="*.parquet"),
    "file with a quote": entry(file="x') UNION SELECT 1 --.parquet"),
    "file of another kind": entry(file=["a"]),
    "10^30 rows": entry(rows=10**30, indices={ONE: [[0, 10**30]]}, studies={ONE: "two"}),
    "10^18 rows": entry(rows=10**18, indices={ONE: [[0, 10**18]]}, studies={ONE: "two"}),
    "negative size": entry(bytes=-1),
    "rows that are no number": entry(rows="2"),
    "no rows": entry(rows=0, indices={}, studies={}),
    "places of another kind": entry(indices={ONE: [["a", "b"]]}, studies={ONE: "two"}),
    "surplus field": entry(run="rm -rf /"),
    "sweeps of another kind": entry(sweeps=[1, 2]),
    "version of the columns": entry(schema_version=10**30),
    "root seed of 10^30": begin(root_seed=10**30),
    "workers of 10^12": begin(workers=10**12),
    "command of the wrong kind": begin(command={"$ne": 1}),
    "removes above the store": removes("../../outside/diary.txt"),
    "removes a file that is not there": removes(ONE + ".parquet"),
    "removes nothing": removes(),
    "deep entry": text("[" * 100_000 + "]" * 100_000),
    "deep entry of an earlier format": text(
        '{"format":1,"number":1,"entry":{"kind":' + "[" * 50_000 + "]" * 50_000 + "}}"
    ),
    "list for an entry": text("[]"),
    "number for an entry": text("7"),
    "earlier format without its fields": text(
        '{"format":3,"number":1,"entry":{"kind":"rows","file":"x"}}'
    ),
    "earlier format with a list": text('{"format":3,"number":1,"entry":[]}'),
    "not JSON": text("{'a': 1}"),
    "infinite number": text('{"format":4,"number":1,"entry":{"kind":"rows","train":1e999}}'),
}


UNREAD = ("data file is a link", "data file is a pipe")
"""One data file cannot be put together with others: it is not looked at."""


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_store_is_refused_without_harm(name: str, store: Path, outside: Path) -> None:
    CRAFTED[name](store, outside)
    before = contents(outside)
    for command in COMMANDS:
        with watching(store):
            ended = sparsest(*command, "--store", store)
        if command == ("compact",) and name in UNREAD and ended.code == 0:
            continue
        assert ended.code == 1, (command, ended)
        assert "Traceback" not in ended.err
        assert "secret" not in ended.out + ended.err
        assert (ended.err or ended.out).startswith(("error: ", "problem "))
    assert contents(outside) == before


def test_lock_that_is_a_link_is_not_followed(store: Path, outside: Path) -> None:
    link_lock(store, outside)
    before = contents(outside)
    for command in (("compact",), ("forget", "--where", "true", "--yes")):
        ended = sparsest(*command, "--store", store)
        assert ended.code == 1
        assert "Could not open" in ended.err
    assert contents(outside) == before
    assert sparsest("query", "SELECT 1", "--store", store).code == 0


def test_invalid_date_reads_as_null(store: Path) -> None:
    begin(started="yesterday")(store, store)
    ended = sparsest("query", "SELECT started FROM sweeps", "--store", store, "--format", "json")
    assert (ended.code, ended.out) == (0, '{"started":null}\n')


def test_folder_in_tmp_is_ignored(store: Path) -> None:
    (store / "tmp" / "folder").mkdir()
    assert sparsest("forget", "--where", "lr < 0.015", "--yes", "--store", store).code == 0
    assert (store / "tmp" / "folder").is_dir()


OUTPUTS = ["", "/", "/dev/full", "/proc/version", "{store}", "{store}/x/y.csv", "x\0y", "a" * 300]


@pytest.mark.parametrize("output", OUTPUTS)
def test_unwritable_output_is_an_error(output: str, store: Path) -> None:
    where = output.format(store=store)
    ended = sparsest("query", "SELECT 1", "--store", store, "--format", "csv", "--output", where)
    assert ended.code == (2 if "\0" in where else 1)
    assert "rror: " in ended.err


EXPERIMENTS = [
    "random:1' OR '1'='1",
    "random:1; DROP VIEW results",
    "../../etc/passwd",
    "%",
    "*",
    "",
    "\0",
    "two:" + "9" * 30,
    "f" * 33,
    "' UNION SELECT * FROM read_text('/etc/passwd') --",
]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_name_of_an_experiment_is_not_sql(name: str, store: Path) -> None:
    for command in ("show", "replay"):
        ended = sparsest(command, "--store", store, "--", name)
        assert ended.code == 1
        assert "experiment" in ended.err


CONDITIONS = [
    "true); DROP VIEW results; --",
    "true) OR (SELECT count(*) FROM read_text('/etc/passwd')) > 0 --",
    "(SELECT content FROM read_text('/etc/passwd')) IS NOT NULL",
    "getenv('HOME') IS NOT NULL",
    "true; DELETE FROM sweeps",
    "true UNION SELECT 1",
    "]; COPY (SELECT 1) TO '/tmp/x'; [",
    "EXISTS (WITH x AS (COPY (SELECT 1) TO '/tmp/x') FROM x)",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition_can_only_select(condition: str, store: Path) -> None:
    before = contents(store)
    ended = sparsest("forget", "--where", condition, "--yes", "--store", store)
    assert ended.code == 1, ended
    assert ended.err.startswith("error: ")
    before.pop(str(store / "lock"), None)
    after = contents(store)
    after.pop(str(store / "lock"), None)
    assert after == before
