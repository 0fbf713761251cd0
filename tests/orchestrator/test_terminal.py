"""Stores of others, whose names and commands hold what a terminal obeys."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table

from orchestrator.display.terminal import plain_console, visible
from storage.lock import StoreLock
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
from storage.writing.writer import StoreWriter
from tests.orchestrator.running import HERE, refused, sparsest, write_sweep

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


def obeyed(text: str) -> set[str]:
    """What of a text a terminal would take for a command."""
    return set(text) & set(HOSTILE) - set("title[2J]0;1Arm -rf ~")


def test_store_commands_the_terminal(store: Path, tmp_path: Path) -> None:
    for words in (["status"], ["query", "SELECT command, studies, device FROM sweeps"]):
        said = sparsest(*words, "--store", store)
        assert r"\x1b]0;title" in said.out
        assert r"\x1b[2J" in said.out
        assert not obeyed(said.out)
    sweep = write_sweep(tmp_path / "one.toml", 'structure = ["1x1x1"]')
    lock = StoreLock(StorePaths.of(store), HOSTILE)
    try:
        said_of_lock = refused("run", sweep, "--store", store, *HERE)
    finally:
        lock.release()
    assert f"({SHOWN})" in said_of_lock
    assert not obeyed(said_of_lock)


def test_programs_get_other_characters_than_are_stored(store: Path) -> None:
    status = json.loads(sparsest("status", "--json", "--store", store).out)
    assert status["last_run"]["command"] == HOSTILE
    csv = sparsest("query", "SELECT command FROM sweeps", "--format", "csv", "--store", store).out
    assert HOSTILE in csv


def test_file_that_verify_names_commands_the_terminal(store: Path) -> None:
    (store / "data" / "\x1b]0;title\x07").write_text("not mine")
    said = sparsest("verify", "--store", store).out
    assert r"\x1b]0;title\x07" in said
    assert not obeyed(said)


def test_own_colours_are_taken_for_the_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("study")
    table.add_row(HOSTILE)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console = plain_console(width=200)
    console.file = StringIO()
    console.print(table)
    shown = console.file.getvalue()
    assert r"\x1b[2J" in shown
    assert "\x1b[1mstudy" in shown


def test_text_changes_that_no_terminal_obeys() -> None:
    text = "SynFlow: 95\u2009% of \u03b1\u0301, a\ttable,\na line \\x1b"
    assert visible(text) == text
    assert visible("\udcff") == r"\udcff"
