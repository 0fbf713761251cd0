"""In-memory DuckDB databases over a store, shut off from everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.reading.views import (
    parquet_source,
    results_query,
    sql_list,
    sweeps_query,
    with_missing_columns,
)

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # A query must not pick up a Python variable of the caller as a table.
    "python_enable_replacements": "false",
    # Nothing is spilled: a query that needs more than the memory ends with an error.
    "temp_directory": "",
}


Files = Mapping[int, Sequence[Path]]
"""Version of the columns (`search.schema.SCHEMA_VERSION`) -> the data files written with it."""


def connect_guarded(
    files: Files, sweeps: pa.Table, writable: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A database that can open only the given files, for statements that were looked through.

    DuckDB reads the files itself: with 400 of them it is 2 to 10 times faster than by way of
    `connect_isolated`. But it may write wherever it may read, see `storage.reading.readonly`.

    Args:
        files: the data files of the store.
        sweeps: of `storage.reading.views.sweeps_table`.
        writable: a folder that it may write into as well.
    """
    connection = duckdb.connect(":memory:", config=_CONFIG)
    if files:
        connection.execute(f"CREATE VIEW results AS {results_query(_source(connection, files))}")
    else:
        _make_table(connection, "results", results_query("arrow_rows"), RESULT_SCHEMA.empty_table())
    _make_table(connection, "sweeps", sweeps_query("arrow_rows"), sweeps)
    connection.execute(f"SET allowed_paths = {sql_list(_all(files))}")
    if writable is not None:
        connection.execute(f"SET allowed_directories = {sql_list([writable])}")
    _shut(connection)
    return connection


def connect_pair(first: Files, second: Files) -> duckdb.DuckDBPyConnection:
    """A database with the rows of two stores, in the views a and b, that can open nothing else.

    Args:
        first: the data files of the one.
        second: the data files of the other.
    """
    connection = duckdb.connect(":memory:", config=_CONFIG)
    for name, files in (("a", first), ("b", second)):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {_source(connection, files)}")
    connection.execute(f"SET allowed_paths = {sql_list([*_all(first), *_all(second)])}")
    _shut(connection)
    return connection


def connect_isolated(files: Files, sweeps: pa.Table) -> duckdb.DuckDBPyConnection:
    """A database that can open no file at all, for whatever its user wants to run.

    Arrow reads the data files and hands their rows over in memory.

    Args:
        files: the data files of the store.
        sweeps: of `storage.reading.views.sweeps_table`.
    """
    connection = duckdb.connect(":memory:", config=_CONFIG)
    # A column that a file lacks is NULL.
    names = [str(file) for file in _all(files)]
    rows = ds.dataset(names, schema=RESULT_SCHEMA, format="parquet")
    connection.register("stored_rows", rows)
    connection.execute(f"CREATE VIEW results AS {results_query('stored_rows')}")
    _make_table(connection, "sweeps", sweeps_query("arrow_rows"), sweeps)
    _shut(connection)
    return connection


def _all(files: Files) -> list[Path]:
    return [file for of_version in files.values() for file in of_version]


def _source(connection: duckdb.DuckDBPyConnection, files: Files) -> str:
    """SQL table expression of the rows of data files, with the columns of `RESULT_SCHEMA`."""
    if set(files) == {SCHEMA_VERSION}:
        return parquet_source(files[SCHEMA_VERSION])
    connection.register("arrow_rows", RESULT_SCHEMA.empty_table())
    described = connection.execute("DESCRIBE arrow_rows").fetchall()
    connection.unregister("arrow_rows")
    types = {name: kind for name, kind, *_ in described}
    return with_missing_columns([parquet_source(some) for some in files.values()], types)


def _make_table(
    connection: duckdb.DuckDBPyConnection, name: str, query: str, rows: pa.Table
) -> None:
    """Makes a table of a query over Arrow rows, which it calls `arrow_rows`."""
    connection.register("arrow_rows", rows)
    connection.execute(f"CREATE TABLE {name} AS {query}")
    connection.unregister("arrow_rows")


def _shut(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
