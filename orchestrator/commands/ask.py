"""The commands that query results: one statement, several, or a copy of everything."""

from __future__ import annotations

import atexit
import sys
from pathlib import Path
from typing import Annotated, Final, Literal, TextIO

import typer

from orchestrator.commands.options import MaybeStorePath, Overwrite, Published, argument, option
from orchestrator.commands.results import results_reader
from orchestrator.display.output import OutputError
from orchestrator.display.result_table import show_result
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.stopping import Terminated
from search.cache_folder import cache_folder
from storage.errors import QueryError, StoreError
from storage.export import export_results, stream_results
from storage.reading.query import split_statements
from storage.results_reader import ResultsReader

QueryFormat = Literal["table", "csv", "json", "jsonl", "parquet"]
ExportFormat = Literal["parquet", "csv", "json", "jsonl", "duckdb"]

HELP: Final = """Type statements that read data, in DuckDB's SQL; each ends with a semicolon.
  DESCRIBE results;   a row for each training
  DESCRIBE sweeps;    a row for each run
Ctrl-C stops a statement. quit or Ctrl-D ends."""

HELP_WORDS: Final = frozenset(
    {"help", "\\h", "\\?", "?", ".help", ".tables", ".schema", "\\d", "\\dt"}
)
"""Words that show the help here, or list tables in other shells."""

QUIT_WORDS: Final = frozenset({"quit", "exit", "\\q", ".quit", ".exit"})
"""Words that end this shell, or others."""


def query(
    statement: Annotated[str, argument("SQL", "One statement that reads data.")],
    store: MaybeStorePath = None,
    published: Published = False,
    output_format: Annotated[
        QueryFormat,
        typer.Option(
            "--format", help="Format of the result: json is an array, jsonl one object per line."
        ),
    ] = "table",
    output: Annotated[Path | None, option("F", "Write the result to this file.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Query the results in SQL, also while a sweep is running.

    The dialect is DuckDB's. There are two views: `results`, a row for each training, and `sweeps`,
    a row for each run. `DESCRIBE results` lists the columns. Only statements that read data
    are accepted.
    """
    with results_reader(store, published) as reader:
        if output is not None:
            if output_format == "table":
                raise UserError("add --format csv, json, jsonl or parquet: a table is only printed")
            _export(reader, output_format, output, statement, overwrite=overwrite)
        elif output_format == "table":
            _show(reader, statement)
        elif output_format == "parquet" and sys.stdout.isatty():
            raise UserError("parquet is not text: name a file with --output, or use a pipe")
        else:
            try:
                stream_results(reader, output_format, sys.stdout.buffer, statement)
            except OSError as error:
                raise OutputError(error) from error


def sql(store: MaybeStorePath = None, published: Published = False) -> None:
    """Query the results in SQL, statement by statement.

    A statement ends with a semicolon. It may span several lines, and a line may contain several.
    Each statement sees the rows that a running sweep has stored by then. Ctrl-C stops a statement,
    Ctrl-D ends. Statements can also be piped in; the first one that fails ends the command.
    """
    with results_reader(store, published) as reader:
        if not sys.stdin.isatty():
            _answer_script(reader, sys.stdin)
            return
        _remember_lines(cache_folder() / "sql_history")
        print_line("Views: results, sweeps. `DESCRIBE results;` lists columns; quit or Ctrl-D ends")
        while (statements := _read_statements()) is not None:
            _answer(reader, statements)


def export(
    output_format: Annotated[ExportFormat, typer.Option("--format", help="Format of the file.")],
    store: MaybeStorePath = None,
    published: Published = False,
    output: Annotated[Path | None, option("F", "File to write [default: results.FORMAT]")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Copy all results into one file.

    json is an array, jsonl has one object per line. duckdb is a database with the tables `results`
    and `sweeps`, which DuckDB's own shell opens.
    """
    with results_reader(store, published) as reader:
        path = output or Path(f"results.{output_format}")
        _export(reader, output_format, path, overwrite=overwrite)


def _export(
    reader: ResultsReader,
    output_format: str,
    path: Path,
    statement: str | None = None,
    *,
    overwrite: bool,
) -> None:
    rows = export_results(reader, output_format, path, statement, overwrite=overwrite)
    print_line(f"{rows:,} rows written to {path}", err=True)


def _show(reader: ResultsReader, statement: str) -> None:
    with reader.stream(statement) as result:
        show_result(result)


def _remember_lines(history: Path) -> None:
    """Let the arrow keys bring back earlier statements, also those of earlier calls."""
    try:
        import readline  # some builds of Python lack it
    except ImportError:
        return
    try:
        history.parent.mkdir(parents=True, exist_ok=True)
        history.touch()
        readline.read_history_file(history)
    except OSError:
        return  # without a cache folder, only this call's lines are remembered
    atexit.register(readline.write_history_file, history)


def _read_statements() -> str | None:
    """Return the lines up to a semicolon, "" after Ctrl-C, or None at the end of the input."""
    lines: list[str] = []
    while not _is_complete(lines):
        try:
            line = input("sparsest> " if not lines else "     ...> ")
        except EOFError:
            print_line("")
            return None
        except Terminated:
            raise
        except KeyboardInterrupt:
            print_line("")
            return ""
        word = line.strip().rstrip(";").lower()
        if not lines and word in QUIT_WORDS:
            return None
        if not lines and word in HELP_WORDS:
            print_line(HELP)
        elif line.strip() or lines:
            lines.append(line)
    return "\n".join(lines)


def _is_complete(lines: list[str]) -> bool:
    """Return whether the lines end with a semicolon that is not part of a text."""
    if not lines or not lines[-1].rstrip().endswith(";"):
        return False
    try:
        split_statements("\n".join(lines))
    except QueryError as error:
        return "unterminated" not in str(error)
    return True


def _answer(reader: ResultsReader, statements: str) -> None:
    """Print the results of what was typed, or what is wrong with it."""
    if not statements:
        return
    try:
        reader.refresh()
        _show_each(reader, statements)
    except (UserError, StoreError) as error:
        print_line(f"error: {error}", err=True)
    except Terminated:
        raise
    except KeyboardInterrupt:
        print_line("stopped", err=True)


def _show_each(reader: ResultsReader, statements: str) -> None:
    for statement in split_statements(statements):
        _show(reader, statement)


def _answer_script(reader: ResultsReader, script: TextIO) -> None:
    """Answer each statement; the last one may lack its semicolon."""
    lines: list[str] = []
    for line in script:
        lines.append(line)
        if _is_complete(lines):
            _show_each(reader, "".join(lines))
            lines = []
    if "".join(lines).strip():
        _show_each(reader, "".join(lines))
