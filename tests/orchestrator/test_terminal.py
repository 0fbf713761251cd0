"""Stores whose names and commands contain control characters."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.table import Table

from orchestrator.display.console import plain_console
from orchestrator.display.terminal import text_table, visible
from storage.lock import StoreLock
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import INLINE, refused, sparsest, write_sweep

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b1A\rrm -rf \u202e~"
SHOWN = r"\x1b]0;title\x07\x1b[2J\x9b1A\rrm -rf \u202e~"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with StoreWriter(tmp_path / "store") as writer:
        writer.begin_sweep(
            describe_sweep(
                command=HOSTILE, studies=[HOSTILE], device=HOSTILE, workers=1, root_seed=0
            )
        )
    return tmp_path / "store"


def control_characters(text: str) -> set[str]:
    """Return the characters of a text that would control a terminal."""
    return set(text) & set(HOSTILE) - set("title[2J]0;1Arm -rf ~")


def test_control_characters_in_a_store_are_escaped(store: Path, tmp_path: Path) -> None:
    for words in (["status"], ["query", "SELECT command, studies, device FROM sweeps"]):
        ended = sparsest(*words, "--store", store)
        assert r"\x1b]0;title" in ended.out
        assert r"\x1b[2J" in ended.out
        assert not control_characters(ended.out)
    sweep = write_sweep(tmp_path / "one.toml", 'structure = ["1x1x1"]')
    lock = StoreLock(StorePaths(store), HOSTILE)
    try:
        message = refused("run", sweep, "--store", store, *INLINE)
    finally:
        lock.close()
    assert f"({SHOWN})" in message
    assert not control_characters(message)


def test_csv_and_json_keep_all_characters(store: Path) -> None:
    status = json.loads(sparsest("status", "--json", "--store", store).out)
    assert status["last_run"]["command"] == HOSTILE
    csv = sparsest("query", "SELECT command FROM sweeps", "--format", "csv", "--store", store).out
    assert HOSTILE in csv


def test_control_characters_in_file_names_are_escaped(store: Path) -> None:
    (store / "data" / "\x1b]0;title\x07").write_text("not mine")
    out = sparsest("verify", "--store", store).out
    assert r"\x1b]0;title\x07" in out
    assert not control_characters(out)


def test_colours_of_a_console_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("study")
    table.add_row(HOSTILE)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    console = plain_console()
    console.file = StringIO()
    console.print(table)
    shown = console.file.getvalue()
    assert r"\x1b[2J" in shown
    assert "\x1b[1mstudy" in shown


class FakeTerminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "variables", "interactive"),
    [
        (FakeTerminal, {}, True),
        (StringIO, {}, False),
        (StringIO, {"FORCE_COLOR": "1"}, False),
        (StringIO, {"TTY_COMPATIBLE": "1"}, False),
        (FakeTerminal, {"TERM": "dumb"}, False),
        (FakeTerminal, {"JPY_PARENT_PID": "1"}, False),
    ],
)
def test_only_a_terminal_is_interactive(
    stream: type[StringIO],
    variables: dict[str, str],
    interactive: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", stream())
    assert plain_console(stderr=True).is_interactive is interactive


def test_table_in_a_pipe_keeps_all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("sys.stdout", StringIO())
    table = Table()
    for _ in range(10):
        table.add_column("n")
    table.add_row(*["123,456,789,012"] * 10)
    console = plain_console()
    console.print(table)
    assert console.file.getvalue().count("123,456,789,012") == 10  # type: ignore[attr-defined]


def test_columns_align_by_the_cells_that_characters_take() -> None:
    names = ("螺旋", "cafe\u0301", "spiral")
    lines = text_table(("name", "n"), [(name, "1") for name in names])
    assert {cell_len(line) for line in lines} == {9}


def test_printable_text_is_unchanged() -> None:
    text = "SynFlow: 95\u2009% of \u03b1\u0301, a\ttable,\na line \\x1b"
    assert visible(text) == text
    assert visible("\udcff") == r"\udcff"
