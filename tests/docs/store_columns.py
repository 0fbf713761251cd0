"""The table of columns in docs/store.md; `python -m tests.docs.store_columns` rewrites it."""

from __future__ import annotations

import re

import pyarrow as pa

from search.columns import COLUMNS
from tests.docs.pages import STORE

HEADER = "| column | type | unit | meaning |\n|---|---|---|---|\n"
TABLE = re.compile(re.escape(HEADER) + r"(?:\|.*\n)+")

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint32(): "UINTEGER",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
}


def sql_type(kind: pa.DataType) -> str:
    """Return DuckDB's name of an Arrow type."""
    return f"{sql_type(kind.value_type)}[]" if pa.types.is_list(kind) else _SQL_TYPES[kind]


def column_table() -> str:
    """Return the Markdown table of the columns of `results`."""
    rows = (
        f"| `{column.name}` | {sql_type(column.type)} | {column.unit} | {column.description} |\n"
        for column in COLUMNS
    )
    return HEADER + "".join(rows).replace("|  |", "| |")


if __name__ == "__main__":
    STORE.write_text(TABLE.sub(lambda _: column_table(), STORE.read_text(), count=1))
