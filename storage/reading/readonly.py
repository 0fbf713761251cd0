"""Which statements a user may run: those that read the stored results and do nothing else.

The type of a statement is not enough: in DuckDB 2.0 a SELECT may write a file from inside, as in
`WITH x AS (COPY ... TO ...) FROM x`, and EXPLAIN ANALYZE runs what it explains. So the parsed
statement is looked through, and only what is known to be harmless may occur in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from storage.errors import QueryError, ReadOnlyError

# Parts of a statement, in the names of DuckDB's parser, that only read.
_READING_NODES = {
    "SELECT_NODE",
    "SET_OPERATION_NODE",
    "RECURSIVE_CTE_NODE",
    "CTE_NODE",
}

# Table functions that touch no file, run no other SQL and change no state.
_TABLE_FUNCTIONS = {
    "duckdb_columns",
    "duckdb_functions",
    "duckdb_keywords",
    "duckdb_tables",
    "duckdb_types",
    "duckdb_views",
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

# Functions that write, wait, or tell about the process.
_REFUSED_FUNCTIONS = {"getenv", "write_log", "sleep_ms", "nextval", "setval"}

_EXPLAIN = re.compile(
    r"\s*EXPLAIN\s+(?:ANALY[ZS]E\s+)?(?:\([^()]*\)\s*)?(?P<inner>\S.*)",
    re.IGNORECASE | re.DOTALL,
)

_ALLOWED = (
    "Only statements that read the results are run: SELECT, WITH, VALUES, FROM, TABLE, DESCRIBE, "
    "SHOW, SUMMARIZE, and EXPLAIN of those."
)


def reading_statements(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """Splits SQL text into its statements, each of which only reads.

    Args:
        connection: of any database; used for parsing alone.
        query: one or several statements.

    Raises:
        QueryError: the text is not SQL, or has no statement.
        ReadOnlyError: a statement would do something else than read.
    """
    texts = []
    for statement in _parse(connection, query):
        kind, text = _kind(statement), statement.query
        if kind == duckdb.StatementType.EXPLAIN:
            _check_explained(connection, text)
        else:
            _check_reading(connection, kind, text)
        texts.append(text)
    if not texts:
        raise QueryError("The query is empty.")
    return texts


def single_statement(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The one statement of some SQL text, which only reads.

    Args:
        connection: of any database; used for parsing alone.
        query: SQL text.

    Raises:
        QueryError: the text is not SQL, or has no statement, or several.
        ReadOnlyError: a statement would do something else than read.
    """
    statements = reading_statements(connection, query)
    if len(statements) > 1:
        raise QueryError(
            f"These are {len(statements)} statements, and only one is answered at a time; nothing "
            "was run. Ask them one by one, or pipe them into `sparsest sql`."
        )
    return statements[0]


def _parse(connection: duckdb.DuckDBPyConnection, query: str) -> list[duckdb.Statement]:
    try:
        return connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _kind(statement: duckdb.Statement) -> duckdb.StatementType:
    try:
        return statement.type
    except ValueError as error:  # a kind of statement that has no name in Python
        raise ReadOnlyError(f"Refused: a statement of an unknown kind. {_ALLOWED}") from error


def _check_explained(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    match = _EXPLAIN.fullmatch(text)
    if match is None:
        raise ReadOnlyError(f"Refused: EXPLAIN with a comment or unknown options. {_ALLOWED}")
    for statement in _parse(connection, match["inner"]):
        _check_reading(connection, _kind(statement), statement.query)


def _check_reading(
    connection: duckdb.DuckDBPyConnection, kind: duckdb.StatementType, text: str
) -> None:
    if kind == duckdb.StatementType.MULTI:
        raise ReadOnlyError(
            "Refused: PIVOT makes a type unless the values are given, as in PIVOT ... ON schedule "
            "IN ('cosine', 'step')."
        )
    if kind != duckdb.StatementType.SELECT:
        raise ReadOnlyError(f"Refused: {kind.name}. {_ALLOWED}")
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise ReadOnlyError(f"Refused: the statement cannot be looked through. {_ALLOWED}")
    for part in _objects(tree):
        _check_part(part)


def _check_part(part: dict[str, Any]) -> None:
    kind = part.get("type")
    if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _READING_NODES:
        name = kind.removesuffix("_NODE").removesuffix("_QUERY")
        raise ReadOnlyError(f"Refused: {name} inside a query. {_ALLOWED}")
    if kind == "TABLE_FUNCTION":
        name = str(part["function"].get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS:
            raise ReadOnlyError(
                f"Refused: the table function {name or '?'}. A query may use "
                f"{', '.join(sorted(_TABLE_FUNCTIONS))}."
            )
    if str(part.get("function_name", "")).lower() in _REFUSED_FUNCTIONS:
        raise ReadOnlyError(f"Refused: the function {part['function_name']}. {_ALLOWED}")


def _objects(tree: object) -> Iterator[dict[str, Any]]:
    """Every JSON object in a parsed statement; without recursion, as nesting has no bound."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
