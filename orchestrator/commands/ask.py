"""Commands that ask the store: one query, many, or a copy to take away."""

from __future__ import annotations

import atexit
import readline
import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from orchestrator.commands.options import MaybeStorePath, Overwrite, Published
from orchestrator.commands.results import results_reader
from orchestrator.display.result_table import show_table
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from storage.errors import StoreError
from storage.export import export_results
from storage.reading.query import split_statements
from storage.results_reader import ResultsReader
from workers.cache_folder import cache_folder


class QueryFormat(StrEnum):
    """How a query's result is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class ExportFormat(StrEnum):
    """What a store is exported to."""

    parquet = "parquet"
    csv = "csv"
    json = "json"
    duckdb = "duckdb"


HELP = """Statements in DuckDB's SQL that read, each up to a semicolon. There are two views:
  DESCRIBE results;   a row for each training
  DESCRIBE sweeps;    a row for each run
quit, or Ctrl-D, ends."""

ASKING = frozenset({"help", "\\h", "\\?", "?", ".help", ".tables", ".schema", "\\d", "\\dt"})
"""What shows other shells' users what there is."""

QUIT = frozenset({"quit", "exit", "\\q", ".quit", ".exit"})
"""What ends other shells ends this one too."""


def query(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One statement that reads.")],
    store: MaybeStorePath = None,
    published: Published = False,
    output_format: Annotated[
        QueryFormat,
        typer.Option("--format", help="How to write the result; json is one object a line."),
    ] = QueryFormat.table,
    output: Annotated[
        Path | None, typer.Option(metavar="F", help="Write to a file instead of the terminal.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Ask the store a question in SQL, also while a sweep runs.

    The dialect is DuckDB's. There are two views: `results`, a row for each training, and `sweeps`,
    a row for each run. `DESCRIBE results` lists the columns. Only statements that read are
    accepted.
    """
    with results_reader(store, published) as reader:
        if output is not None:
            if output_format is QueryFormat.table:
                raise UserError("a table is for reading: choose --format csv, json or parquet")
            rows = export_results(
                reader, output_format.value, output, statement, overwrite=overwrite
            )
            print_line(f"{rows:,} rows written to {output}", err=True)
            return
        if output_format is QueryFormat.parquet:
            raise UserError("parquet is not text: name a file with --output")
        if output_format is QueryFormat.table:
            show_table(reader.sql(statement))
        else:
            _print_export(reader, statement, output_format.value)


def _print_export(reader: ResultsReader, statement: str, output_format: str) -> None:
    """Prints a result just as it would be written to a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"result.{output_format}"
        export_results(reader, output_format, path, statement)
        with path.open(encoding="utf-8", newline="") as file:
            shutil.copyfileobj(file, sys.stdout)


def sql(store: MaybeStorePath = None, published: Published = False) -> None:
    """Ask the store questions in SQL, one after the other.

    Ctrl-D ends. A statement ends with a semicolon and may run over several lines. Rows that a
    running sweep has stored in the meantime are seen by the next statement. Several statements may
    stand in a line. They can also be piped in; the first that cannot be answered ends it then.
    """
    with results_reader(store, published) as reader:
        if not sys.stdin.isatty():
            _answer_script(reader, sys.stdin)
            return
        _remember_lines(cache_folder() / "sql_history")
        print_line(
            "Views: results, sweeps. `DESCRIBE results;` lists columns; Ctrl-D or quit ends."
        )
        while (statement := _read_statement()) is not None:
            if statement:
                _answer(reader, statement)


def _remember_lines(history: Path) -> None:
    """Makes the arrow keys bring back what was asked before, also last time."""
    try:
        history.parent.mkdir(parents=True, exist_ok=True)
        history.touch()
        readline.read_history_file(history)
    except OSError:
        # Without a cache folder only this time's lines are remembered.
        return
    atexit.register(readline.write_history_file, history)


def _read_statement() -> str | None:
    """Lines up to a semicolon; "" after Ctrl-C, None at the end of input."""
    lines: list[str] = []
    while not _is_complete(lines):
        try:
            line = input("sparsest> " if not lines else "     ...> ")
        except EOFError:
            print_line()
            return None
        except KeyboardInterrupt:
            print_line()
            return ""
        word = line.strip().rstrip(";").lower()
        if not lines and word in QUIT:
            return None
        if not lines and word in ASKING:
            print_line(HELP)
            continue
        if line.strip() or lines:
            lines.append(line)
    return "\n".join(lines)


def _is_complete(lines: list[str]) -> bool:
    return bool(lines) and lines[-1].rstrip().endswith(";")


def _answer(reader: ResultsReader, statement: str) -> None:
    try:
        reader.refresh()
        _show_each(reader, statement)
    except StoreError as error:
        print_line(f"error: {error}", err=True)


def _show_each(reader: ResultsReader, statements: str) -> None:
    """Shows what each of some statements yields, one after the other."""
    for statement in split_statements(statements):
        show_table(reader.sql(statement))


def _answer_script(reader: ResultsReader, script: TextIO) -> None:
    """Answers statement by statement; the last one need not end with a semicolon."""
    lines: list[str] = []
    for line in script:
        lines.append(line)
        if _is_complete(lines):
            _show_each(reader, "".join(lines))
            lines = []
    if "".join(lines).strip():
        _show_each(reader, "".join(lines))


def export(
    output_format: Annotated[ExportFormat, typer.Option("--format", help="What to write.")],
    store: MaybeStorePath = None,
    published: Published = False,
    output: Annotated[
        Path | None, typer.Option(metavar="F", help="The file to write [default: results.FORMAT]")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Copy all results into one file.

    The file of --format duckdb opens in DuckDB's own shell, and has the sweeps as well.
    """
    path = output or Path(f"results.{output_format.value}")
    with results_reader(store, published) as reader:
        rows = export_results(reader, output_format.value, path, overwrite=overwrite)
    print_line(f"{rows:,} rows written to {path}", err=True)
