"""Running a user's SQL, which may only read."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from storage.errors import QueryError, ReadOnlyError
from storage.reading.readonly import single_statement

# A second fence, behind the look through the statements: around the database in memory.
_FENCE = "BEGIN TRANSACTION READ ONLY"


def run_reading(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """Runs a statement, and returns what it yields.

    Args:
        connection: of `storage.reading.connections.connect_guarded`.
        query: SQL text, one statement.

    Raises:
        ReadOnlyError: a statement would do something else than read; nothing was run.
        QueryError: it is more than one, or DuckDB could not run it; the message shows the place.
    """
    statement = single_statement(connection, query)
    connection.execute(_FENCE)
    try:
        return _run(connection, statement)
    finally:
        connection.execute("ROLLBACK")


def split_statements(text: str) -> list[str]:
    """The statements of some SQL text, one by one; whether they only read is not looked at.

    Raises:
        QueryError: the text is not SQL, or has no statement.
    """
    with duckdb.connect(":memory:") as connection:
        try:
            found = [statement.query for statement in connection.extract_statements(text)]
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
    if not found:
        raise QueryError("The query is empty.")
    return found


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
