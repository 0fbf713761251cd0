"""Running a user's SQL, which can only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb
import pyarrow as pa

from storage.errors import QueryError, ReadOnlyError
from storage.reading.connections import query_memory
from storage.reading.interrupt import interruptible
from storage.reading.readonly import parsed_statements, single_statement

# Besides the check of the statement: protects the tables of the database in memory.
_READ_ONLY: Final = "BEGIN TRANSACTION READ ONLY"

_BATCH_ROWS: Final = 10_000


def run_query(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """Run one statement and return its whole result.

    Raises:
        ReadOnlyError: the statement would do more than read; nothing was run.
        QueryError: the text is not one statement, DuckDB could not run it (the message shows the
            position), or the result does not fit into memory.
    """
    limit = query_memory()
    batches, size = [], 0
    with open_result(connection, query) as result:
        for batch in result:
            batches.append(batch)
            size += batch.nbytes
            if size > limit:
                raise QueryError(
                    f"The result is larger than {limit / 2**30:.1f} GiB, half of the available "
                    "memory. Select fewer rows or columns, or write the result to a file: "
                    "`sparsest query ... --format parquet --output FILE`."
                )
        return pa.Table.from_batches(batches, result.schema)


@contextmanager
def open_result(
    connection: duckdb.DuckDBPyConnection, query: str
) -> Iterator[pa.RecordBatchReader]:
    """Run one statement and read its result in batches, without ever holding all of it.

    No other statement can run on the connection until the context ends.

    Raises:
        ReadOnlyError, QueryError: as for `run_query`, also while the batches are read.
    """
    statement = single_statement(connection, query)
    connection.execute(_READ_ONLY)
    try:
        result = _start(connection, statement)
        try:
            yield pa.RecordBatchReader.from_batches(result.schema, _batches(connection, result))
        finally:
            result.close()
    finally:
        connection.execute("ROLLBACK")


def split_statements(text: str) -> list[str]:
    """Return the statements of SQL text one by one, without checking that they only read.

    Raises:
        QueryError: the text is not SQL.
    """
    with duckdb.connect(":memory:") as connection:
        return [statement.query for statement in parsed_statements(connection, text)]


def _start(connection: duckdb.DuckDBPyConnection, statement: str) -> pa.RecordBatchReader:
    try:
        return interruptible(
            connection, lambda: connection.sql(statement).to_arrow_reader(_BATCH_ROWS)
        )
    except duckdb.PermissionException as error:
        raise ReadOnlyError(f"A query can only read the stored results. {error}") from error
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise QueryError(_message_with_position(connection, statement, error)) from error
    except (duckdb.Error, pa.ArrowException) as error:
        raise QueryError(_message(error)) from error


def _message(error: Exception) -> str:
    """Return an error's text, but not DuckDB's advice on memory: no query may follow it."""
    if not str(error).startswith("Out of Memory"):
        return str(error)
    return (
        "Out of memory: the query needs more than half of what is available. Select fewer rows or "
        "columns; in a small store, look for damaged files with `sparsest verify`"
    )


def _message_with_position(
    connection: duckdb.DuckDBPyConnection, statement: str, error: duckdb.Error
) -> str:
    """Return DuckDB's message about a name with the line and the caret, which `sql` leaves out."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)  # fails before anything is run
        except duckdb.Error as located:
            return str(located)
    return str(error)


def _batches(
    connection: duckdb.DuckDBPyConnection, result: pa.RecordBatchReader
) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            yield interruptible(connection, result.read_next_batch)
        except StopIteration:
            return
        # Arrow turns DuckDB's errors into its own; the text stays.
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise QueryError(_message(error)) from error
