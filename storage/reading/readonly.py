"""Checking that a user's statement only reads.

DuckDB itself denies access to all files but the store's data files, to the network, to extensions
and to settings (`storage.reading.connections`). It can still write to those data files, because a
path that it may read is a path that it may write. The type of a statement does not tell: a SELECT
can contain `WITH x AS (COPY ... TO ...)`, EXPLAIN ANALYZE runs what it explains, and table
functions such as `query` run SQL from text. So a statement is parsed, and may contain nothing but
SELECT nodes and table functions that are known to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import duckdb

from storage.errors import QueryError, ReadOnlyError

# Names of DuckDB's parser for the parts of a statement that only read.
_READING_NODES: Final = frozenset(
    {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
)

_TABLE_FUNCTIONS: Final = frozenset(
    {
        "generate_series",
        "json_each",
        "json_tree",
        "pragma_table_info",
        "pragma_version",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
    }
)
"""Table functions that access no file, run no SQL and change no state."""

_CATALOGUE: Final = "duckdb_"
"""Prefix of the table functions that describe the database; views show the same."""

_EXPLAIN: Final = re.compile(
    r"\s*EXPLAIN\s+(?:ANALY[ZS]E\s+)?(?:\([^()]*\)\s*)?(?P<inner>\S.*)",
    re.IGNORECASE | re.DOTALL,
)

_ALLOWED: Final = (
    "Only statements that read the results are run: SELECT, WITH, VALUES, FROM, TABLE, DESCRIBE, "
    "SHOW, SUMMARIZE, and EXPLAIN of those."
)


def single_statement(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the one statement of SQL text, which only reads.

    Raises:
        QueryError: the text is not SQL, or contains no statement or more than one.
        ReadOnlyError: the statement would do more than read.
    """
    statements = parsed_statements(connection, query)
    if not statements:
        raise QueryError("The query is empty.")
    if len(statements) > 1:
        raise QueryError(
            f"The query contains {len(statements)} statements, and nothing was run: only one is "
            "answered at a time. Run them one by one, or pipe them into `sparsest sql`."
        )
    kind, text = _kind(statements[0]), statements[0].query
    if kind == duckdb.StatementType.EXPLAIN:
        match = _EXPLAIN.fullmatch(text)
        if match is None:
            raise ReadOnlyError(f"Refused: EXPLAIN with a comment or unknown options. {_ALLOWED}")
        for statement in parsed_statements(connection, match["inner"]):
            _check_reading(connection, _kind(statement), statement.query)
    else:
        _check_reading(connection, kind, text)
    return text


def parsed_statements(connection: duckdb.DuckDBPyConnection, text: str) -> list[duckdb.Statement]:
    """Return the statements of SQL text; a QueryError if it is not SQL."""
    try:
        return connection.extract_statements(text)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _kind(statement: duckdb.Statement) -> duckdb.StatementType:
    try:
        return statement.type
    except ValueError as error:  # a type of statement that has no name in Python
        raise ReadOnlyError(f"Refused: a statement of unknown type. {_ALLOWED}") from error


def _check_reading(
    connection: duckdb.DuckDBPyConnection, kind: duckdb.StatementType, text: str
) -> None:
    if kind == duckdb.StatementType.MULTI:
        raise ReadOnlyError(
            "Refused: PIVOT creates a type unless it lists its values, as in PIVOT ... ON schedule "
            "IN ('cosine', 'step')."
        )
    if kind != duckdb.StatementType.SELECT:
        raise ReadOnlyError(f"Refused: {kind.name}. {_ALLOWED}")
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    try:
        tree = json.loads(row[0]) if row else {"error": True}
    except RecursionError as error:
        raise QueryError("The query is nested too deeply.") from error
    if tree["error"]:
        raise ReadOnlyError(f"Refused: DuckDB cannot show how it parses the statement. {_ALLOWED}")
    for part in _objects(tree):
        _check_part(part)


def _check_part(part: dict[str, Any]) -> None:
    kind = part.get("type")
    if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _READING_NODES:
        name = kind.removesuffix("_NODE").removesuffix("_QUERY")
        raise ReadOnlyError(f"Refused: {name} inside a query. {_ALLOWED}")
    if kind == "TABLE_FUNCTION":
        name = str(part["function"].get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS and not name.startswith(_CATALOGUE):
            raise ReadOnlyError(
                f"Refused: the table function {name or '?'}. A query may use {_CATALOGUE}..., "
                f"{', '.join(sorted(_TABLE_FUNCTIONS))}."
            )


def _objects(tree: object) -> Iterator[dict[str, Any]]:
    """Yield every JSON object of a parsed statement."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
