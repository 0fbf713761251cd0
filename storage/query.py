"""Running a user's SQL, which may only read."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from storage.errors import QueryError, ReadOnlyError
from storage.readonly import reading_statements

# A second fence, behind the look through the statements: around the database in memory.
_FENCE = "BEGIN TRANSACTION READ ONLY"


def run_reading(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """Runs one or several statements, and returns what the last one yields.

    Args:
        connection: of `storage.connections.connect_guarded`.
        query: SQL text.

    Raises:
        ReadOnlyError: a statement would do something else than read; nothing was run.
        QueryError: DuckDB could not run it; the message shows the place.
    """
    statements = reading_statements(connection, query)
    connection.execute(_FENCE)
    try:
        return [_run(connection, statement) for statement in statements][-1]
    finally:
        connection.execute("ROLLBACK")


def _run(connection: duckdb.DuckDBPyConnection, statement: str) -> pa.Table:
    try:
        return connection.sql(statement).to_arrow_table()
    except duckdb.PermissionException as error:
        raise ReadOnlyError(f"A query reads the stored results only. {error}") from error
    except duckdb.Error as error:
        raise QueryError(_message_with_place(connection, statement, error)) from error


def _message_with_place(
    connection: duckdb.DuckDBPyConnection, statement: str, error: duckdb.Error
) -> str:
    """DuckDB's message with the line and the caret, which its Arrow interface leaves out."""
    if "LINE" in str(error):
        return str(error)
    with connection.cursor() as cursor:
        try:
            cursor.execute(_FENCE)
            cursor.execute(statement)
        except duckdb.Error as placed:
            return str(placed)
    return str(error)
