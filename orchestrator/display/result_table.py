"""The result of a query for reading: a table if it fits the terminal, else one value per line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.display.console import plain_console
from orchestrator.display.terminal import display_width, print_line, visible
from orchestrator.errors import UserError

TABLE_ROWS: Final = 200
"""Maximum number of rows printed as a table."""

RECORD_ROWS: Final = 20
"""Maximum number of rows printed one value per line."""

COUNTED_ROWS: Final = 1_000_000
"""Rows after which a result is no longer counted."""

_SHOWN_BYTES: Final = 2**26
"""Maximum size of the rows that are printed, in memory."""

_GAP: Final = 2
"""Width that a table adds to each column, in characters."""


def show_result(result: pa.RecordBatchReader) -> None:
    """Print the first rows of a result on standard output, and how many there are.

    No value is cut: a table that is wider than the terminal is printed one value per line. Output
    that does not go to a terminal may have lines of any length.

    Raises:
        UserError: the rows are too large to be printed.
        StoreError: the result cannot be read.
    """
    console = plain_console()
    first, count, complete = _first_rows(result)
    names = result.schema.names
    rows = [[_cell(column[row].as_py()) for column in first.columns] for row in range(len(first))]
    widths = [max(map(display_width, cells)) for cells in zip(names, *rows, strict=True)]
    width = sum(width + _GAP for width in widths)
    if console.is_terminal and width > console.width:
        rows = rows[:RECORD_ROWS]
        _print_records(console, names, rows)
    else:
        _print_table(plain_console(width=max(width, 1)), result.schema, rows)
    if count > len(rows):
        total = f"{count:,}" if complete else f"more than {COUNTED_ROWS:,}"
        print_line(
            f"{len(rows)} of {total} rows; `sparsest query` writes all of them with --format csv "
            "or --output F",
            err=True,
        )


def _first_rows(result: pa.RecordBatchReader) -> tuple[pa.Table, int, bool]:
    """Return the rows to print, the number of rows read, and whether these were all."""
    batches, size, count = [], 0, 0
    for batch in result:
        part = batch.slice(0, max(0, TABLE_ROWS - count))
        size += part.nbytes
        if size > _SHOWN_BYTES:
            raise UserError(
                "the rows are too large to be printed: select less, or write them to a file with "
                "`sparsest query ... --format parquet --output FILE`"
            )
        batches.append(part)
        count += batch.num_rows
        if count > COUNTED_ROWS:
            return pa.Table.from_batches(batches, result.schema), count, False
    return pa.Table.from_batches(batches, result.schema), count, True


def _print_table(console: Console, schema: pa.Schema, rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=None, header_style="bold")
    for field in schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        title = Text(field.name)
        table.add_column(title, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_records(console: Console, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    width = max(map(display_width, names))
    for number, row in enumerate(rows, start=1):
        console.print(Text(f"row {number}", style="bold"))
        for name, value in zip(names, row, strict=True):
            blanks = " " * (width - display_width(name))
            console.print(Text(f"  {name}{blanks}  {value}"), soft_wrap=True)


def _cell(value: object) -> str:
    """Return a value as text for reading; --format csv and json keep every digit."""
    if value is None:
        return "NULL"
    return f"{value:.6g}" if isinstance(value, float) else visible(str(value))
