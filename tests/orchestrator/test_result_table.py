"""Results of queries in a terminal."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from rich.console import Console

from orchestrator.display import result_table
from orchestrator.display.result_table import COUNTED_ROWS, RECORD_ROWS, TABLE_ROWS, show_result
from orchestrator.errors import UserError

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


def test_wide_table_is_printed_one_value_per_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, 60)
    show_result(WIDE.to_reader())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:5]] == [
        ["mask1", "11|11|10"],
        ["accuracy", "0.965127"],
        ["note", "x" * 60],
        ["[bold]", "1"],
    ]
    assert len(lines) == 10
    assert lines[8].split() == ["note", "NULL"]


def test_narrow_table_is_printed_as_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, 120)
    show_result(WIDE.to_reader())
    head, first, second = capsys.readouterr().out.splitlines()
    assert "mask1" in head
    assert "[bold]" in head
    assert first.split() == ["11|11|10", "0.965127", "x" * 60, "1"]
    assert second.split() == ["10|01|11", "1", "NULL", "2"]


def test_value_of_wide_characters_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(pa.table({"name": ["螺旋螺旋", "e\u0301"], "n": [1, 2]}).to_reader())
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["name", "n"], ["螺旋螺旋", "1"], ["e\u0301", "2"]]


def test_value_of_several_lines_stays_in_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(pa.table({"plan": ["physical", "x"], "text": ["a\nbc", "d"]}).to_reader())
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["plan      text", "physical  a", "          bc", "x         d"]


def test_piped_table_is_never_wrapped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_result(pa.table({f"column{n}": ["y" * 30] for n in range(40)}).to_reader())
    head, row = capsys.readouterr().out.splitlines()
    assert len(head.split()) == 40
    assert row.split() == ["y" * 30] * 40


@pytest.mark.parametrize(("width", "shown"), [(120, TABLE_ROWS), (3, RECORD_ROWS)])
def test_long_result_shows_the_first_rows_and_the_number_of_all(
    width: int,
    shown: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on_a_terminal(monkeypatch, width)
    show_result(pa.table({"number": list(range(1000))}).to_reader(70))
    printed = capsys.readouterr()
    assert f"{shown} of 1,000 rows" in printed.err
    assert printed.out.split()[-1] == str(shown - 1)


def test_empty_result_shows_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(pa.table({"nothing": pa.array([], pa.int64())}).to_reader())
    assert capsys.readouterr().out.split() == ["nothing"]


def test_endless_result_is_counted_up_to_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    batch = pa.record_batch({"number": range(10_000)})
    endless = pa.RecordBatchReader.from_batches(batch.schema, itertools.repeat(batch))
    show_result(endless)
    assert f"more than {COUNTED_ROWS:,}" in capsys.readouterr().err


def test_rows_too_large_to_print_are_refused() -> None:
    batch = pa.record_batch({"letters": ["x" * 2**20] * 100})
    with pytest.raises(UserError, match="--output"):
        show_result(pa.RecordBatchReader.from_batches(batch.schema, [batch]))
