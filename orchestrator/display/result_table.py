"""The result of a query for reading: a table if it fits the terminal, else one value per line."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from orchestrator.display.console import plain_console
from orchestrator.display.terminal import display_width, print_line, print_table, text_table
from orchestrator.errors import UserError

TABLE_ROWS: Final = 200
"""Maximum number of rows printed as a table."""

RECORD_ROWS: Final = 20
"""Maximum number of rows printed one value per line."""

COUNTED_ROWS: Final = 1_000_000
"""Rows after which a result is no longer counted."""

_SHOWN_BYTES: Final = 2**26
"""Maximum size of the rows that are printed, in memory."""


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
    names, kinds = result.schema.names, [field.type for field in result.schema]
    rows = [[_cell(column[row].as_py()) for column in first.columns] for row in range(len(first))]
    numbers = {n for n, t in enumerate(kinds) if pa.types.is_integer(t) or pa.types.is_floating(t)}
    lines = text_table(names, rows, texts=set(range(len(names))) - numbers)
    if console.is_terminal and max(map(display_width, lines)) > console.width:
        rows = rows[:RECORD_ROWS]
        for number, row in enumerate(rows, start=1):
            values = [(f"  {name}", value) for name, value in zip(names, row, strict=True)]
            print_table(text_table((f"row {number}", ""), values, texts=(0, 1)))
    else:
        print_table(lines)
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


def _cell(value: object) -> str:
    """Return a value as text for reading; --format csv and json keep every digit."""
    if value is None:
        return "NULL"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
