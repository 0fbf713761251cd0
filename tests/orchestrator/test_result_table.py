"""Results as people see them in a terminal."""

from __future__ import annotations

import pyarrow as pa
import pytest
from rich.console import Console

from orchestrator.display import result_table
from orchestrator.display.result_table import RECORD_ROWS, TABLE_ROWS, show_table

WIDE = pa.table(
    {
        "mask1": ["11|11|10", "10|01|11"],
        "accuracy": [0.96512703, 1.0],
        "note": ["x" * 60, None],
        "[bold]": [1, 2],
    }
)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    def terminal(width: int = width) -> Console:
        return Console(width=width, force_terminal=True, color_system=None)

    monkeypatch.setattr(result_table, "plain_console", terminal)


def test_table_that_does_not_fit_loses_or_breaks_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, 60)
    show_table(WIDE)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:5]] == [
        ["mask1", "11|11|10"],
        ["accuracy", "0.965127"],
        ["note", "x" * 60],
        ["[bold]", "1"],
    ]
    assert len(lines) == 10
    assert lines[8].split() == ["note", "NULL"]


def test_table_that_fits_is_no_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, 120)
    show_table(WIDE)
    head, first, second = capsys.readouterr().out.splitlines()
    assert "mask1" in head
    assert "[bold]" in head
    assert first.split() == ["11|11|10", "0.965127", "x" * 60, "1"]
    assert second.split() == ["10|01|11", "1", "NULL", "2"]


def test_piped_table_is_broken_for_a_width_that_nobody_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_table(pa.table({f"column{n}": ["y" * 30] for n in range(40)}))
    head, row = capsys.readouterr().out.splitlines()
    assert len(head.split()) == 40
    assert row.split() == ["y" * 30] * 40


@pytest.mark.parametrize(("width", "shown"), [(120, TABLE_ROWS), (3, RECORD_ROWS)])
def test_long_result_is_cut_without_a_word(
    width: int,
    shown: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on_a_terminal(monkeypatch, width)
    show_table(pa.table({"number": list(range(1000))}))
    said = capsys.readouterr()
    assert said.err.startswith(f"{shown} of 1,000 rows; ")
    assert said.out.split()[-1] == str(shown - 1)


def test_empty_result_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(pa.table({"nothing": pa.array([], pa.int64())}))
    assert capsys.readouterr().out.split() == ["nothing"]
