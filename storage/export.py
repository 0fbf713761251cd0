"""Results as files or streams that other programs read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import duckdb
from duckdb.sqltypes import DuckDBPyType

from storage.errors import ExportError, QueryError, ReadOnlyError, StoreError
from storage.reading.interrupt import interrupt, interruptible, start
from storage.reading.literals import sql_name, sql_text
from storage.reading.readonly import single_statement
from storage.results_reader import ResultsReader
from storage.scratch import scratch_folder

FORMATS: Final = ("parquet", "csv", "json", "jsonl", "duckdb")
"""parquet: compressed with Zstandard; csv: with a header, lists as text such as [2, 7, 3, 3, 1];
json: an array of objects; jsonl: one object per line; duckdb: a database with the tables `results`
and `sweeps`, which DuckDB's own shell opens."""

ALL_RESULTS: Final = "SELECT * FROM results"

_OPTIONS: Final = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json, ARRAY true",
    "jsonl": "FORMAT json",
}

_DATABASE_VERSION: Final = "v1.2.0"
"""Oldest version of DuckDB that can open an exported database."""


_CHUNK_BYTES: Final = 1 << 20

_DESCRIPTORS: Final = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Folders of names for open files, such as /dev/stdout."""


def export_results(
    reader: ResultsReader,
    format: str,
    output: Path,
    query: str | None = None,
    *,
    overwrite: bool = False,
) -> int:
    """Write results to a file, which appears under its name only when it is complete.

    A link is followed; a pipe or a device is written to, not replaced.

    Args:
        reader: reader of a store or of the published results.
        format: one of `FORMATS`.
        output: path of the file.
        query: one statement that reads the views; None for all results.
        overwrite: whether an existing file is replaced.

    Returns:
        Number of rows written (for "duckdb": to the table `results`).

    Raises:
        ExportError: the format is unknown, the file exists, or it cannot be written.
        ReadOnlyError, QueryError: as for `storage.reading.query.run_query`.
    """
    if format not in FORMATS:
        raise ExportError(f"Unknown format {format!r}: use one of {', '.join(FORMATS)}.")
    output = output.expanduser()
    try:
        if _is_stream(output):
            if format == "duckdb":
                raise ExportError(f"A database has to be a regular file, and {output} is not.")
            # Not truncated: standard output may be a file that has content.
            with output.open("ab", buffering=0) as stream:
                return stream_results(reader, format, stream, query)
        output = output.resolve()
        _refuse_existing(output, overwrite)
        with scratch_folder(output.parent, ".export-") as folder:
            file = folder / f"export.{format}"
            rows = _write_file(reader, format, file, query)
            _refuse_existing(output, overwrite)
            file.replace(output)
    except OSError as error:
        raise ExportError(f"Could not write {output}: {error.strerror}.") from error
    return rows


def stream_results(
    reader: ResultsReader, format: str, stream: BinaryIO, query: str | None = None
) -> int:
    """Write results to an open stream, in batches, in a format other than duckdb.

    Returns:
        Number of rows written.

    Raises:
        OSError: the stream cannot be written.
        ReadOnlyError, QueryError: as for `export_results`.
    """
    sent = 0

    def send(data: bytes) -> None:
        nonlocal sent
        while data:
            written = stream.write(data)
            sent, data = sent + written, data[written:]
        stream.flush()

    while True:
        try:
            return _stream(reader, format, send, query)
        except StoreError:
            # Rows that were sent cannot be sent again from other files.
            if sent or not reader.was_replaced():
                raise


def _stream(
    reader: ResultsReader, format: str, send: Callable[[bytes], None], query: str | None
) -> int:
    """Let DuckDB write to a pipe in another thread, and pass on what arrives."""
    source, sink = os.pipe()
    file = Path(f"/dev/fd/{sink}")
    with (
        os.fdopen(source, "rb", buffering=0) as received,
        os.fdopen(sink, "wb") as sending,
        _connection(reader, file, query) as connection,
    ):

        def copy() -> int:
            with sending:  # the reader sees the end when no writer is left
                return _copy(connection, file, format)

        future = start(copy)
        try:
            while data := received.read(_CHUNK_BYTES):
                send(data)
        except BaseException:
            received.close()  # DuckDB may be waiting for room in the pipe
            interrupt(connection, future)
            raise
        return future.result()


def _write_file(reader: ResultsReader, format: str, file: Path, query: str | None) -> int:
    """Write a file; repeat this if data files were replaced and removed meanwhile."""
    while True:
        try:
            with _connection(reader, file.parent, query) as connection:
                write = _write_database if format == "duckdb" else partial(_copy, format=format)
                return interruptible(connection, partial(write, connection, file))
        except StoreError:
            if not reader.was_replaced():
                raise
            file.unlink(missing_ok=True)


@contextmanager
def _connection(
    reader: ResultsReader, writable: Path, query: str | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with a view `wanted` for the query; raise DuckDB's errors as ours."""
    with reader.connect_guarded(writable) as connection:
        try:
            statement = ALL_RESULTS if query is None else single_statement(connection, query)
            connection.execute(f"CREATE TEMP VIEW wanted AS\n{statement}")
            yield connection
        except duckdb.PermissionException as error:
            raise ReadOnlyError(f"A query can only read the stored results. {error}") from error
        except duckdb.IOException as error:
            raise ExportError(f"Could not write the results: {error}") from error
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


def _copy(connection: duckdb.DuckDBPyConnection, file: Path, format: str) -> int:
    columns = _finite_columns(connection) if format in ("json", "jsonl") else "*"
    return _count(
        connection,
        f"COPY (SELECT {columns} FROM wanted) TO {sql_text(file)} "
        f"({_OPTIONS[format]}, USE_TMP_FILE false)",
    )


def _write_database(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    connection.execute(
        f"ATTACH {sql_text(file)} AS exported (STORAGE_VERSION '{_DATABASE_VERSION}')"
    )
    rows = _count(connection, "CREATE TABLE exported.results AS SELECT * FROM wanted")
    connection.execute("CREATE TABLE exported.sweeps AS SELECT * FROM sweeps")
    connection.execute("DETACH exported")
    return rows


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _finite_columns(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the columns of `wanted` with NULL in place of NaN and infinity: JSON has neither."""
    wanted = connection.sql("SELECT * FROM wanted")
    return ", ".join(
        f"{_finite(sql_name(name), kind)} AS {sql_name(name)}"
        for name, kind in zip(wanted.columns, wanted.types, strict=True)
    )


def _finite(value: str, kind: DuckDBPyType, depth: int = 0) -> str:
    """Return an expression of a type with NULL in place of every number that is not finite."""
    if not any(name in str(kind) for name in ("DOUBLE", "FLOAT")):
        return value
    if kind.id in ("double", "float"):
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    item, children = f"item{depth}", dict[str, Any](kind.children)
    if kind.id in ("list", "array"):
        inner = _finite(item, children["child"], depth + 1)
        return f"list_transform({value}, lambda {item}: {inner})"
    if kind.id == "struct":
        fields = ", ".join(
            f"{sql_name(name)} := {_finite(f'{value}.{sql_name(name)}', inner, depth)}"
            for name, inner in children.items()
        )
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({fields}) END"
    if kind.id == "map":
        inner = _finite(f"{item}.value", children["value"], depth + 1)
        pairs = f"lambda {item}: {{'key': {item}.key, 'value': {inner}}}"
        return f"map_from_entries(list_transform(map_entries({value}), {pairs}))"
    return value


def _is_stream(output: Path) -> bool:
    """Return whether a path is a pipe, a device or standard output, which are not replaced."""
    if output.is_file():
        return output.parent in _DESCRIPTORS
    return output.exists() and not output.is_dir()


def _refuse_existing(output: Path, overwrite: bool) -> None:
    if output.is_dir():
        raise ExportError(f"{output} is a folder; name a file.")
    if output.exists() and not overwrite:
        raise ExportError(f"{output} exists. Name another file, or add --overwrite.")
