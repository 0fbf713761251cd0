"""The commands query, sql and export."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path

import duckdb
import psutil
import pyarrow.parquet as pq
import pytest

from orchestrator.commands import ask
from tests.orchestrator.running import (
    PATIENCE_S,
    environment,
    python,
    query,
    refused,
    rows,
    sparsest,
    start,
    until,
)

STATEMENT = "SELECT structure, lr, status, mask1, layers FROM results ORDER BY structure, lr"


def test_every_format_shows_the_values(trained: Path) -> None:
    expected = query(trained, STATEMENT).to_pylist()
    ask = ("query", STATEMENT, "--store", trained)

    as_json = sparsest(*ask, "--format", "json")
    assert json.loads(as_json.out) == expected
    as_lines = sparsest(*ask, "--format", "jsonl")
    assert [json.loads(line) for line in as_lines.out.splitlines()] == expected

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


@pytest.mark.parametrize("output_format", ["csv", "json", "jsonl", "parquet"])
def test_output_file_has_what_is_printed(output_format: str, trained: Path, tmp_path: Path) -> None:
    file = tmp_path / f"out.{output_format}"
    ask = ("query", STATEMENT, "--store", trained, "--format", output_format)
    ended = sparsest(*ask, "--output", file)
    assert (ended.code, ended.out) == (0, "")
    assert str(file) in ended.err
    if output_format == "parquet":
        assert pq.read_table(file).to_pylist() == query(trained, STATEMENT).to_pylist()
    else:
        assert file.read_text() == sparsest(*ask).out

    content = file.read_bytes()
    assert "--overwrite" in refused(*ask, "--output", file)
    assert file.read_bytes() == content
    file.write_text("old")
    assert sparsest(*ask, "--output", file, "--overwrite").code == 0
    assert file.read_bytes() == content


def test_table_format_is_refused_for_a_file(trained: Path, tmp_path: Path) -> None:
    message = refused("query", STATEMENT, "--store", trained, "--output", tmp_path / "x.csv")
    assert "--format csv" in message
    assert not (tmp_path / "x.csv").exists()


def test_long_result_shows_its_first_rows_and_their_number(trained: Path) -> None:
    ended = sparsest("query", "FROM range(1234)", "--store", trained)
    assert len(ended.out.splitlines()) == 201
    assert "200 of 1,234 rows" in ended.err
    assert "--format csv" in ended.err
    whole = sparsest("query", "FROM range(1234)", "--store", trained, "--format", "csv")
    assert len(whole.out.splitlines()) == 1235


def test_wide_result_stays_on_one_line_outside_a_terminal(trained: Path) -> None:
    out = sparsest("query", f"SELECT '{'x' * 300}' AS wide", "--store", trained).out
    assert out.split() == ["wide", "x" * 300]


def test_text_in_brackets_is_printed_as_it_is(trained: Path) -> None:
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
def test_query_that_writes_is_refused(
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


def test_mistake_in_sql_is_located(trained: Path) -> None:
    message = refused("query", "SELECT acuracy\nFROM results", "--store", trained)
    assert "acuracy" in message
    assert "LINE 1" in message
    assert '"accuracy"' in message
    assert "Traceback" not in message


def test_exports_can_be_read_back(trained: Path, tmp_path: Path) -> None:
    expected = query(trained, "SELECT * FROM results ORDER BY experiment_id")
    files = {name: tmp_path / f"out.{name}" for name in ("parquet", "csv", "jsonl", "duckdb")}
    for name, file in files.items():
        ended = sparsest("export", "--store", trained, "--format", name, "--output", file)
        assert ended.code == 0
        assert "6 rows" in ended.err

    parquet = pq.read_table(files["parquet"]).sort_by("experiment_id")
    assert parquet.to_pylist() == expected.to_pylist()
    with files["csv"].open(newline="") as stream:
        table = sorted(csv.DictReader(stream), key=lambda row: row["experiment_id"])
    assert [float(row["loss"]) for row in table] == expected.column("loss").to_pylist()
    assert list(table[0]) == expected.column_names
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    assert sorted(line["experiment_id"] for line in lines) == expected.column(0).to_pylist()
    with duckdb.connect(str(files["duckdb"]), read_only=True) as database:
        stored = database.sql("SELECT * FROM results ORDER BY experiment_id").to_arrow_table()
        assert stored.to_pylist() == expected.to_pylist()
        assert database.sql("SELECT studies, stored FROM sweeps").fetchall() == [(["six"], 6)]


def test_export_is_written_to_the_working_directory(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sparsest("export", "--store", trained, "--format", "csv").code == 0
    assert [path.name for path in tmp_path.glob("*.csv")] == ["results.csv"]
    message = refused("export", "--store", trained, "--format", "csv", "--output", "no/where.csv")
    assert "no/where.csv" in message


def test_piped_statements_are_answered_without_a_prompt(trained: Path) -> None:
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


def test_every_statement_of_a_line_is_answered(trained: Path) -> None:
    script = "SELECT 1 AS a; SELECT 2 AS b;\nSELECT 3 AS c"
    ended = sparsest("sql", "--store", trained, stdin=script)
    assert ended.code == 0
    assert ended.out.split() == ["a", "1", "b", "2", "c", "3"]
    for words in (["query"], ["query", "--format", "jsonl"]):
        message = refused(*words, "SELECT 1 AS a; SELECT 2 AS b", "--store", trained)
        assert "2 statements" in message


def test_comments_and_semicolons_in_texts_are_part_of_a_script(trained: Path) -> None:
    script = "-- the rows;\n;\nSELECT 'a;\nb' AS t;\nSELECT 2 AS u;\n-- the end"
    ended = sparsest("sql", "--store", trained, stdin=script)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.split() == ["t", "a;", "b", "u", "2"]


def test_first_mistake_ends_a_script(trained: Path) -> None:
    ended = sparsest("sql", "--store", trained, stdin="SELECT 1 AS n;\nSELEKT;\nSELECT 2 AS m;\n")
    assert ended.code == 1
    assert ended.out.split() == ["n", "1"]
    assert ended.err.startswith("error: ")
    assert "SELEKT" in ended.err


def test_empty_script_is_answered_by_nothing(trained: Path) -> None:
    assert sparsest("sql", "--store", trained, stdin="  \n\n").code == 0


class Terminal:
    """The interactive shell in a terminal."""

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
        """Return what the shell prints up to some text."""
        printed = ""
        while end not in printed:
            ready, _, _ = select.select([self._descriptor], [], [], PATIENCE_S)
            assert ready, printed
            printed += os.read(self._descriptor, 4096).decode()
        return printed

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it is noticed: readline ignores it just after it has echoed a key."""
        noticed = False
        while not noticed:
            self.shell.send_signal(signal.SIGINT)
            noticed = bool(select.select([self._descriptor], [], [], 1)[0])

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self._descriptor)


@pytest.fixture
def terminal(trained: Path, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(trained, tmp_path)
    yield terminal
    terminal.close()


def test_interactive_shell_survives_mistakes_and_remembers(
    terminal: Terminal, tmp_path: Path
) -> None:
    prompt = "sparsest> "
    assert "results, sweeps" in terminal.read_until(prompt)
    terminal.type(".tables\n")
    assert "DESCRIBE results;" in terminal.read_until(prompt)
    terminal.type("SELECT count(*)\n")
    terminal.read_until("     ...> ")
    terminal.type("AS many FROM results;\n")
    assert "   6\r\n" in terminal.read_until(prompt)
    terminal.type("SELEKT;\n")
    assert "error: " in terminal.read_until(prompt)
    terminal.type("SELECT 1 AS dropped")
    terminal.read_until("dropped")
    terminal.interrupt()
    terminal.read_until(prompt)
    terminal.type("SELECT 7 AS seven;\n")
    terminal.read_until(f"    7\r\n{prompt}")
    terminal.type("\x04")
    assert terminal.shell.wait(PATIENCE_S) == 0
    assert "SELECT 7 AS seven;" in (tmp_path / "sql_history").read_text()


def test_interrupted_statement_returns_to_the_prompt(terminal: Terminal) -> None:
    prompt = "sparsest> "
    terminal.read_until(prompt)
    terminal.type(f"{ENDLESS};\n")
    terminal.read_until("\r\n")
    time.sleep(1)
    terminal.shell.send_signal(signal.SIGINT)
    terminal.read_until(prompt)
    terminal.type("SELECT 7 AS seven;\n")
    terminal.read_until(f"    7\r\n{prompt}")
    # Readline misses a signal that arrives just before it waits for input, until the next one.
    until(lambda: terminate(terminal.shell), "the shell ends")
    assert terminal.shell.returncode == 143


def terminate(process: subprocess.Popen[bytes]) -> bool:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(2)
    return process.returncode is not None


ENDLESS = "SELECT count(*) FROM range(10000000000000) t(a) WHERE hash(a) % 7 = 3"


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGINT, ["--format", "table"]),
        (signal.SIGINT, ["--format", "json"]),
        (signal.SIGTERM, ["--format", "csv", "--output", "out.csv"]),
    ],
)
def test_signal_stops_a_running_query(
    number: signal.Signals, options: list[str], trained: Path, tmp_path: Path
) -> None:
    words: list[str | Path] = ["query", ENDLESS, "--store", trained, *options]
    with start("orchestrator.cli", *words, folder=tmp_path) as process:
        until(lambda: psutil.Process(process.pid).cpu_times().user > 4, "the query runs")
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 128 + number
    assert list(tmp_path.glob("*out*")) == []


def test_endless_result_is_shown_and_piped_in_part(trained: Path) -> None:
    endless = ("query", "FROM range(10000000000000)", "--store", trained)
    ended = sparsest(*endless)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 201
    assert "more than 1,000,000 rows" in ended.err
    with start("orchestrator.cli", *endless, "--format", "csv") as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == ["range\n", "0\n", "1\n"]
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_full_output_is_reported_in_one_line(trained: Path) -> None:
    words = ["query", "FROM range(1000000)", "--store", str(trained), "--format", "csv"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*python(), "-m", "orchestrator.cli", *words],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_standard_output_is_appended_to(trained: Path, tmp_path: Path) -> None:
    """As in `(echo first; sparsest query ...) > file`."""
    file = tmp_path / "out"
    for options in ([], ["--output", "/dev/stdout"]):
        with file.open("w") as out:
            out.write("first\n")
            out.flush()
            words = ["query", "SELECT 1 AS a", "--store", str(trained), "--format", "csv"]
            command = [*python(), "-m", "orchestrator.cli", *words, *options]
            subprocess.run(command, env=environment(), stdout=out, check=True)
        assert file.read_text() == "first\na\n1\n"


def test_shell_works_without_readline(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "readline", None)
    ask._remember_lines(trained / "history")
    assert not (trained / "history").exists()
