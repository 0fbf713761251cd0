"""Commands that ask a store: query, sql, export."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import signal
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.orchestrator.running import (
    PATIENCE_S,
    environment,
    python,
    query,
    refused,
    rows,
    sparsest,
)

STATEMENT = "SELECT structure, lr, status, mask1, layers FROM results ORDER BY structure, lr"


def test_format_loses_values(trained: Path) -> None:
    expected = query(trained, STATEMENT).to_pylist()
    ask = ("query", STATEMENT, "--store", trained)

    as_json = sparsest(*ask, "--format", "json")
    assert [json.loads(line) for line in as_json.out.splitlines()] == expected

    as_csv = sparsest(*ask, "--format", "csv")
    assert list(csv.DictReader(StringIO(as_csv.out))) == [
        {
            "structure": row["structure"],
            "lr": str(row["lr"]),
            "status": "ok",
            "mask1": "",
            "layers": str(row["layers"]),
        }
        for row in expected
    ]

    table = [line.strip() for line in sparsest(*ask).out.splitlines()]
    assert table[0].split() == ["structure", "lr", "status", "mask1", "layers"]
    assert table[1].split(maxsplit=4) == ["1x1x1", "0.01", "ok", "NULL", "[2, 1, 1, 1, 1]"]
    assert len(table) == 7


@pytest.mark.parametrize("output_format", ["csv", "json", "parquet"])
def test_file_holds_something_else_than_the_terminal(
    output_format: str, trained: Path, tmp_path: Path
) -> None:
    file = tmp_path / f"out.{output_format}"
    ask = ("query", STATEMENT, "--store", trained, "--format", output_format)
    ended = sparsest(*ask, "--output", file)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"6 rows written to {file}\n"
    if output_format == "parquet":
        assert pq.read_table(file).to_pylist() == query(trained, STATEMENT).to_pylist()
    else:
        assert file.read_text() == sparsest(*ask).out

    content = file.read_bytes()
    assert "exists already" in refused(*ask, "--output", file)
    assert file.read_bytes() == content
    file.write_text("old")
    assert sparsest(*ask, "--output", file, "--overwrite").code == 0
    assert file.read_bytes() == content


def test_parquet_is_poured_into_the_terminal(trained: Path, tmp_path: Path) -> None:
    message = refused("query", STATEMENT, "--store", trained, "--format", "parquet")
    assert "name a file with --output" in message
    message = refused("query", STATEMENT, "--store", trained, "--output", tmp_path / "x.csv")
    assert "choose --format csv, json or parquet" in message
    assert not (tmp_path / "x.csv").exists()


def test_long_result_floods_the_terminal_or_is_cut_silently(trained: Path) -> None:
    ended = sparsest("query", "FROM range(1234)", "--store", trained)
    assert len(ended.out.splitlines()) == 201
    assert ended.err.startswith("200 of 1,234 rows; ")
    assert "--format csv" in ended.err
    whole = sparsest("query", "FROM range(1234)", "--store", trained, "--format", "csv")
    assert len(whole.out.splitlines()) == 1235


def test_wide_result_is_broken_where_nobody_reads(trained: Path) -> None:
    out = sparsest("query", f"SELECT '{'x' * 300}' AS wide", "--store", trained).out
    assert out.split() == ["wide", "x" * 300]


def test_text_in_brackets_is_taken_for_a_colour(trained: Path) -> None:
    out = sparsest("query", "SELECT '[red]a[/red] :key: [b]' AS t", "--store", trained).out
    assert "[red]a[/red] :key: [b]" in out


@pytest.mark.parametrize(
    "statement",
    [
        "DROP VIEW results",
        "DELETE FROM results",
        "INSERT INTO results SELECT * FROM results",
        "CREATE TABLE t AS SELECT 1",
        "COPY results TO 'stolen.csv'",
        "SELECT 1; DROP VIEW results",
        "SELECT * FROM read_csv('/etc/passwd')",
    ],
)
@pytest.mark.parametrize("output_format", ["table", "csv"])
def test_query_writes(
    statement: str,
    output_format: str,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    files = sorted(path for path in trained.rglob("*") if path.is_file())
    refused("query", statement, "--store", trained, "--format", output_format)
    assert sorted(path for path in trained.rglob("*") if path.is_file()) == files
    assert not (tmp_path / "stolen.csv").exists()
    assert len(rows(trained)) == 6


def test_mistake_in_sql_is_shown_without_its_place(trained: Path) -> None:
    message = refused("query", "SELECT acuracy\nFROM results", "--store", trained)
    assert "acuracy" in message
    assert "LINE 1" in message
    assert '"accuracy"' in message
    assert "Traceback" not in message


def test_export_cannot_be_read_back(trained: Path, tmp_path: Path) -> None:
    expected = query(trained, "SELECT * FROM results ORDER BY experiment_id")
    files = {name: tmp_path / f"out.{name}" for name in ("parquet", "csv", "json", "duckdb")}
    for name, file in files.items():
        ended = sparsest("export", "--store", trained, "--format", name, "--output", file)
        assert ended.code == 0
        assert ended.err == f"6 rows written to {file}\n"

    parquet = pq.read_table(files["parquet"]).sort_by("experiment_id")
    assert parquet.to_pylist() == expected.to_pylist()
    with files["csv"].open(newline="") as stream:
        table = sorted(csv.DictReader(stream), key=lambda row: row["experiment_id"])
    assert [float(row["loss"]) for row in table] == expected.column("loss").to_pylist()
    assert list(table[0]) == expected.column_names
    lines = [json.loads(line) for line in files["json"].read_text().splitlines()]
    assert sorted(line["experiment_id"] for line in lines) == expected.column(0).to_pylist()
    with duckdb.connect(str(files["duckdb"]), read_only=True) as database:
        stored = database.sql("SELECT * FROM results ORDER BY experiment_id").to_arrow_table()
        assert stored.to_pylist() == expected.to_pylist()
        assert database.sql("SELECT studies, stored FROM sweeps").fetchall() == [(["six"], 6)]


def test_export_lands_elsewhere(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sparsest("export", "--store", trained, "--format", "csv").code == 0
    assert [path.name for path in tmp_path.glob("*.csv")] == ["results.csv"]
    message = refused("export", "--store", trained, "--format", "csv", "--output", "no/where.csv")
    assert "No such file or directory" in message


def test_piped_statements_are_answered_by_a_prompt(trained: Path) -> None:
    ended = sparsest(
        "sql",
        "--store",
        trained,
        stdin="SELECT count(*) AS n\nFROM results;\n\nSELECT 'a;' AS t,\n 2 AS u",
    )
    assert ended.code == 0
    assert [line.split() for line in ended.out.splitlines()] == [
        ["n"],
        ["6"],
        ["t", "u"],
        ["a;", "2"],
    ]
    assert ended.err == ""


def test_only_the_last_statement_of_a_line_is_answered(trained: Path) -> None:
    script = "SELECT 1 AS a; SELECT 2 AS b;\nSELECT 3 AS c"
    ended = sparsest("sql", "--store", trained, stdin=script)
    assert ended.code == 0
    assert ended.out.split() == ["a", "1", "b", "2", "c", "3"]
    for ask in (["query"], ["query", "--format", "json"]):
        message = refused(*ask, "SELECT 1 AS a; SELECT 2 AS b", "--store", trained)
        assert "These are 2 statements, and only one is answered at a time" in message


def test_piped_mistake_goes_unnoticed(trained: Path) -> None:
    ended = sparsest("sql", "--store", trained, stdin="SELECT 1 AS n;\nSELEKT;\nSELECT 2 AS m;\n")
    assert ended.code == 1
    assert ended.out.split() == ["n", "1"]
    assert ended.err.startswith("error: ")
    assert "SELEKT" in ended.err


def test_nothing_piped_is_an_error(trained: Path) -> None:
    assert sparsest("sql", "--store", trained, stdin="  \n\n").code == 0


class Terminal:
    """A terminal with the interactive shell in it."""

    def __init__(self, store: Path, cache: Path) -> None:
        self._descriptor, inside = pty.openpty()
        self.shell = subprocess.Popen(
            [*python(), "-m", "orchestrator.cli", "sql", "--store", str(store)],
            env=environment() | {"SPARSEST_CACHE": str(cache), "TERM": "dumb"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
        )
        os.close(inside)

    def read_until(self, end: str) -> str:
        """What the shell prints, up to some text."""
        said = ""
        while end not in said:
            ready, _, _ = select.select([self._descriptor], [], [], PATIENCE_S)
            assert ready, said
            said += os.read(self._descriptor, 4096).decode()
        return said

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C. Python's readline overlooks one that comes just as a key was echoed."""
        answered = False
        while not answered:
            self.shell.send_signal(signal.SIGINT)
            answered = bool(select.select([self._descriptor], [], [], 1)[0])

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self._descriptor)


@pytest.fixture
def terminal(trained: Path, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(trained, tmp_path)
    yield terminal
    terminal.close()


def test_interactive_shell_ends_at_a_mistake_or_forgets(terminal: Terminal, tmp_path: Path) -> None:
    prompt = "sparsest> "
    assert "Views: results, sweeps." in terminal.read_until(prompt)
    terminal.type(".tables\n")
    assert "DESCRIBE results;   a row for each training" in terminal.read_until(prompt)
    terminal.type("SELECT count(*)\n")
    terminal.read_until("     ...> ")
    terminal.type("AS many FROM results;\n")
    assert " many \r\n    6 \r\n" in terminal.read_until(prompt)
    terminal.type("SELEKT;\n")
    assert "error: " in terminal.read_until(prompt)
    terminal.type("SELECT 1 AS dropped")
    terminal.read_until("dropped")
    terminal.interrupt()
    terminal.read_until(prompt)
    terminal.type("SELECT 7 AS seven;\n")
    terminal.read_until(f" seven \r\n     7 \r\n{prompt}")
    terminal.type("\x04")
    assert terminal.shell.wait(PATIENCE_S) == 0
    assert "SELECT 7 AS seven;" in (tmp_path / "sql_history").read_text()
