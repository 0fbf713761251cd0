"""In-memory DuckDB databases over data files, isolated from everything else on the machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import psutil
import pyarrow as pa

from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.reading.literals import sql_list
from storage.reading.views import SweepRows, results_query, sweeps_query

Files = Mapping[int, Sequence[Path]]
"""Schema version (`search.schema.SCHEMA_VERSION`) -> data files written with it."""

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # A query must not read a Python variable of the caller as a table.
    "python_enable_replacements": "false",
    # A query that needs more than the memory limit fails; nothing is written to the disk.
    "temp_directory": "",
}

CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),  # version 2
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # version 1
)

_MIN_MEMORY: Final = 2**28
"""Bytes that a query may use however little memory is available."""


def query_memory() -> int:
    """Return how many bytes a query, or a result of one, may use: half of what is available."""
    return max(_MIN_MEMORY, min(psutil.virtual_memory().available, container_memory()) // 2)


def container_memory() -> int:
    """Return the limit of this container's memory in bytes, a very large number without one."""
    limits = [sys.maxsize]
    for file in CGROUP_LIMITS:
        try:
            limits.append(int(file.read_text()))
        except (OSError, ValueError):
            continue  # not in a container, or "max"
    return min(limits)


def connect_guarded(
    files: Files, sweeps: SweepRows, writable: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a database that can access the given files only, for checked statements.

    DuckDB may also write wherever it may read: see `storage.reading.readonly`.
    """
    connection = _connect()
    connection.execute(f"CREATE VIEW results AS {results_query(_source(connection, files))}")
    _create_sweeps(connection, sweeps)
    _lock(connection, files, writable=writable)
    return connection


def connect_pair(first: Files, second: Files) -> duckdb.DuckDBPyConnection:
    """Open a database with the rows of two stores as the views `a` and `b`, and nothing else."""
    connection = _connect()
    for name, files in (("a", first), ("b", second)):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {_source(connection, files)}")
    _lock(connection, first, second)
    return connection


def connect_table(name: str, table: pa.Table) -> duckdb.DuckDBPyConnection:
    """Open a database with one table of rows in memory, and nothing else."""
    connection = _connect()
    connection.register("rows", table)
    # A copy, because another cursor, which locates errors, would not see the registered one.
    connection.execute(f"CREATE TABLE {name} AS FROM rows")
    connection.unregister("rows")
    _lock(connection)
    return connection


def _connect() -> duckdb.DuckDBPyConnection:
    memory = f"{query_memory() // 2**20}MiB"
    connection = duckdb.connect(":memory:", config={**_CONFIG, "memory_limit": memory})
    # Times in a store are UTC and have no zone; now() must not be in the reader's.
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _lock(
    connection: duckdb.DuckDBPyConnection, *readable: Files, writable: Path | None = None
) -> None:
    """Restrict a database to some files, for good."""
    read = [str(path) for files in readable for path in _all(files)]
    paths = [*read, *map(_pattern, read)]
    if writable is not None and writable.is_dir():
        connection.execute(f"SET allowed_directories = {sql_list([writable])}")
    elif writable is not None:
        paths.append(str(writable))
    connection.execute(f"SET allowed_paths = {sql_list(dict.fromkeys(paths))}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _all(files: Files) -> list[Path]:
    return [file for of_version in files.values() for file in of_version]


def _source(connection: duckdb.DuckDBPyConnection, files: Files) -> str:
    """Return an SQL table expression for the rows of data files, with `RESULT_SCHEMA`'s columns."""
    if set(files) == {SCHEMA_VERSION}:
        return _parquet_source(files[SCHEMA_VERSION])
    connection.register("arrow_rows", RESULT_SCHEMA.empty_table())
    described = connection.execute("DESCRIBE arrow_rows").fetchall()
    connection.unregister("arrow_rows")
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind, *_ in described)
    sources = [f"SELECT * FROM {_parquet_source(some)}" for some in files.values()]
    return f"({' UNION ALL BY NAME '.join([f'SELECT {columns} WHERE false', *sources])})"


def _parquet_source(files: Sequence[Path]) -> str:
    # Otherwise a folder named lr=0.1 on the way to a file would replace the column lr.
    patterns = sql_list(_pattern(str(file)) for file in files)
    return f"read_parquet({patterns}, hive_partitioning = false)"


def _pattern(path: str) -> str:
    """Return the pattern that matches this path only: DuckDB expands *, ? and [ in paths."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _create_sweeps(connection: duckdb.DuckDBPyConnection, sweeps: SweepRows) -> None:
    connection.execute(f"CREATE TABLE sweeps AS {sweeps_query()}", [json.dumps(sweeps)])
