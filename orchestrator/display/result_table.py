"""A query's result for people: a table where it fits, a line for each value where it does not."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.display.terminal import plain_console, print_line, visible

TABLE_ROWS = 200
"""Rows that are printed as a table at most; a file holds all."""

RECORD_ROWS = 20
"""Rows that are printed value by value at most."""

GAP = 2
"""Characters that a table adds to the width of each column."""


def show_table(result: pa.Table) -> None:
    """Prints a result on standard output, the first rows of a long one.

    No value is cut or broken: a table that is wider than the terminal is printed as records, one
    value a line. Where there is no terminal, lines may be of any length.
    """
    console = plain_console()
    rows = [[_cell(value) for value in row.values()] for row in _first(result, TABLE_ROWS)]
    widths = [max(map(len, cells)) for cells in zip(result.column_names, *rows, strict=True)]
    wanted = sum(width + GAP for width in widths)
    if console.is_terminal and wanted > console.width:
        rows = rows[:RECORD_ROWS]
        _print_records(console, result.column_names, rows)
    else:
        _print_table(plain_console(width=max(wanted, 1)), result, rows)
    if result.num_rows > len(rows):
        print_line(
            f"{len(rows)} of {result.num_rows:,} rows; `sparsest query` has all with --format csv "
            "or --output F",
            err=True,
        )


def _first(result: pa.Table, count: int) -> list[dict[str, object]]:
    first: list[dict[str, object]] = result.slice(0, count).to_pylist()
    return first


def _print_table(console: Console, result: pa.Table, rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, header_style="bold")
    for field in result.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        title = Text(field.name)
        table.add_column(title, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_records(console: Console, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    width = max(map(len, names))
    for number, row in enumerate(rows, start=1):
        console.print(Text(f"row {number}", style="bold"))
        for name, value in zip(names, row, strict=True):
            console.print(Text(f"  {name:{width}}  {value}"), soft_wrap=True)


def _cell(value: object) -> str:
    """A value as people read it; --format csv and json have every digit."""
    if value is None:
        return "NULL"
    return f"{value:.6g}" if isinstance(value, float) else visible(str(value))
