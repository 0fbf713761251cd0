"""Results as a file that other programs read."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

import duckdb

from storage.errors import ExportError, QueryError, ReadOnlyError, StoreError
from storage.reading.literals import sql_text
from storage.reading.readonly import single_statement
from storage.results_reader import ResultsReader

FORMATS: Final = ("parquet", "csv", "json", "duckdb")
"""parquet: one file, Zstandard; csv: with a header, lists as text such as [2, 7, 3, 3, 1]; json:
newline-delimited, one object a row; duckdb: one database file with the tables results and sweeps,
which DuckDB's own shell opens."""

ALL_RESULTS: Final = "SELECT * FROM results"

_OPTIONS = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json",
}

_DATABASE_VERSION = "v1.2.0"
"""DuckDB from this version on can open an exported database."""


def export_results(
    reader: ResultsReader,
    format: str,
    output: Path,
    query: str | None = None,
    *,
    overwrite: bool = False,
) -> int:
    """Writes results to one file, which appears under its name only when it is complete.

    Args:
        reader: of a store, or of the published results.
        format: one of `FORMATS`.
        output: the file.
        query: a single statement that reads the views; None for all results.
        overwrite: replace `output` if it exists.

    Returns:
        The number of rows written (for "duckdb": to the table results).

    Raises:
        ExportError: the format is unknown, the file exists, or it could not be written.
        ReadOnlyError: the query would do something else than read.
        QueryError: DuckDB could not run the query.
    """
    if format not in FORMATS:
        raise ExportError(f"Unknown format {format!r}; possible are {', '.join(FORMATS)}.")
    output = output.expanduser().absolute()
    try:
        _refuse_existing(output, overwrite)
        folder = Path(tempfile.mkdtemp(prefix=".export-", dir=output.parent))
    except OSError as error:
        raise ExportError(f"Could not write to {output.parent}: {error.strerror}.") from error
    try:
        aside = folder / f"export.{format}"
        rows = _write_anew_if_replaced(reader, format, aside, query)
        _refuse_existing(output, overwrite)
        aside.replace(output)
    except OSError as error:
        raise ExportError(f"Could not write {output}: {error.strerror}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _write_anew_if_replaced(
    reader: ResultsReader, format: str, aside: Path, query: str | None
) -> int:
    """Writes again where data files were replaced and removed while they were read."""
    while True:
        try:
            return _write(reader, format, aside, query)
        except StoreError:
            if not reader.was_replaced():
                raise
            aside.unlink(missing_ok=True)


def _write(reader: ResultsReader, format: str, aside: Path, query: str | None) -> int:
    connection = reader.connect_for_export(aside.parent)
    try:
        statement = ALL_RESULTS if query is None else single_statement(connection, query)
        connection.execute(f"CREATE TEMP VIEW wanted AS\n{statement}")
        if format == "duckdb":
            return _write_database(connection, aside)
        return _count(connection, f"COPY wanted TO {sql_text(aside)} ({_OPTIONS[format]})")
    except duckdb.PermissionException as error:
        raise ReadOnlyError(f"A query reads the stored results only. {error}") from error
    except duckdb.IOException as error:
        raise ExportError(f"Could not write the export: {error}") from error
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    finally:
        connection.close()


def _write_database(connection: duckdb.DuckDBPyConnection, aside: Path) -> int:
    connection.execute(
        f"ATTACH {sql_text(aside)} AS exported (STORAGE_VERSION '{_DATABASE_VERSION}')"
    )
    rows = _count(connection, "CREATE TABLE exported.results AS SELECT * FROM wanted")
    connection.execute("CREATE TABLE exported.sweeps AS SELECT * FROM sweeps")
    connection.execute("DETACH exported")
    return rows


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _refuse_existing(output: Path, overwrite: bool) -> None:
    if output.is_dir():
        raise ExportError(f"{output} is a folder; name a file.")
    if output.exists() and not overwrite:
        raise ExportError(f"{output} exists already. Name another file, or add --overwrite.")
