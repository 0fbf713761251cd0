"""The first rows of a table as HTML, for notebooks."""

from __future__ import annotations

from html import escape

import pyarrow as pa

MAX_ROWS = 20
"""Number of rows shown."""

_MAX_CHARACTERS = 40
"""Characters of a value; longer ones are cut."""


def html_table(table: pa.Table) -> str:
    """Return the first rows of a table as HTML, with the number of rows and columns below.

    All text is escaped: names and messages in a store come from whoever made the store.
    """
    shown = table.slice(0, MAX_ROWS).to_pylist()
    head = "".join(f"<th>{escape(name)}</th>" for name in table.column_names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(value))}</td>" for value in row.values()) + "</tr>"
        for row in shown
    )
    more = f", the first {MAX_ROWS} shown" if table.num_rows > MAX_ROWS else ""
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p>{table.num_rows:,} rows, {table.num_columns} columns{more}</p>"
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    if len(text) > _MAX_CHARACTERS:
        return text[: _MAX_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return text
