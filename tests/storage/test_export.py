from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any, cast
from unittest.mock import Mock

import duckdb
import psutil
import pyarrow.parquet as pq
import pytest

from storage.errors import ExportError, QueryError, ReadOnlyError
from storage.export import FORMATS, export_results, stream_results
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows


@pytest.fixture
def reader(fill: Callable[..., Path]) -> Iterator[StoreReader]:
    with StoreReader(fill(3, 4)) as opened:
        yield opened


def test_parquet_export_has_all_results(reader: StoreReader, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    assert export_results(reader, "parquet", output) == 7
    table = pq.read_table(output)
    stored = reader.sql("SELECT * FROM results")
    assert table.column_names == stored.column_names
    assert table.to_pylist() == stored.to_pylist()


def test_csv_export_keeps_every_digit(reader: StoreReader, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    assert export_results(reader, "csv", output) == 7
    with output.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    for line, row in zip(lines, reader.sql("SELECT * FROM results").to_pylist(), strict=True):
        assert line["experiment_id"] == row["experiment_id"]
        assert float(line["accuracy"]) == row["accuracy"]
        assert json.loads(line["layers"]) == row["layers"]
        assert line["target_nnz"] == ""


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_export_keeps_every_value(reader: StoreReader, tmp_path: Path, format: str) -> None:
    output = tmp_path / f"out.{format}"
    assert export_results(reader, format, output) == 7
    text = output.read_text()
    lines = json.loads(text) if format == "json" else list(map(json.loads, text.splitlines()))
    for line, row in zip(lines, reader.sql("SELECT * FROM results").to_pylist(), strict=True):
        assert line["loss"] == row["loss"]
        assert line["masks"] == row["masks"]
        assert line["reason"] is None


def test_exported_database_needs_no_store(reader: StoreReader, tmp_path: Path, rows: Rows) -> None:
    output = tmp_path / "out.duckdb"
    assert export_results(reader, "duckdb", output) == 7
    expected = reader.sql("SELECT * FROM results ORDER BY study_index")
    for file in reader.paths.data.iterdir():
        file.unlink()
    with duckdb.connect(str(output), read_only=True) as database:
        assert sorted(database.sql("SHOW TABLES").fetchall()) == [("results",), ("sweeps",)]
        table = database.sql("SELECT * FROM results ORDER BY study_index").to_arrow_table()
        assert table.to_pylist() == expected.to_pylist()
        sweeps = database.sql("SELECT sweep_id, outcome, rows_logged FROM sweeps").fetchall()
    assert sweeps == [(rows.sweep_id, "finished", 7)]


@pytest.mark.parametrize("format", FORMATS)
def test_export_leaves_nothing_but_its_file(
    reader: StoreReader, tmp_path: Path, format: str
) -> None:
    folder = tmp_path / "it's [a] folder"
    folder.mkdir()
    export_results(reader, format, folder / "out")
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert (folder / "out").stat().st_size > 100


@pytest.mark.parametrize("format", FORMATS)
def test_export_of_a_query_has_its_rows(reader: StoreReader, tmp_path: Path, format: str) -> None:
    query = "SELECT study_index FROM results WHERE study_index < 5 ORDER BY 1 DESC; -- five"
    output = tmp_path / "out"
    assert export_results(reader, format, output, query) == 5
    if format == "parquet":
        assert pq.read_table(output).column(0).to_pylist() == [4, 3, 2, 1, 0]
    if format == "csv":
        assert output.read_text().split() == ["study_index", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("format", FORMATS)
def test_empty_store_can_be_exported(tmp_path: Path, format: str) -> None:
    with StoreWriter(tmp_path / "store"):
        pass
    with StoreReader(tmp_path / "store") as reader:
        assert export_results(reader, format, tmp_path / "out") == 0
    assert (tmp_path / "out").exists()


def test_existing_file_is_replaced_only_on_request(reader: StoreReader, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("precious")
    with pytest.raises(ExportError, match="exists"):
        export_results(reader, "csv", output)
    with pytest.raises(ExportError, match="exists"):  # before anything is computed
        export_results(reader, "csv", output, "SELECT nosuch FROM results")
    assert output.read_text() == "precious"
    with pytest.raises(ExportError, match="folder"):
        export_results(reader, "csv", tmp_path, overwrite=True)
    assert export_results(reader, "csv", output, overwrite=True) == 7
    assert output.read_text().startswith("experiment_id,")


def test_failed_export_keeps_the_old_file_and_leaves_no_other(
    reader: StoreReader, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    output.write_text("precious")
    before = set(tmp_path.iterdir())
    with pytest.raises(QueryError, match="nosuch"):
        export_results(reader, "csv", output, "SELECT nosuch FROM results", overwrite=True)
    with pytest.raises(QueryError, match="2 statements"):
        export_results(reader, "csv", output, "SELECT 1; SELECT 2", overwrite=True)
    assert output.read_text() == "precious"
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "DROP VIEW results",
        "WITH x AS (COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)) FROM x",
        "SELECT 1) TO '/tmp/elsewhere.csv'; --",
    ],
)
def test_export_refuses_a_query_that_does_more_than_read(
    reader: StoreReader, tmp_path: Path, query: str
) -> None:
    part = next(reader.paths.data.iterdir())
    before = part.read_bytes()
    with pytest.raises((ReadOnlyError, QueryError)):
        export_results(reader, "csv", tmp_path / "out.csv", query.replace("{part}", str(part)))
    assert part.read_bytes() == before
    assert not (tmp_path / "out.csv").exists()


def test_unusable_output_is_refused(reader: StoreReader, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="parquet, csv, json, jsonl, duckdb"):
        export_results(reader, "xlsx", tmp_path / "out.xlsx")
    with pytest.raises(ExportError, match="nowhere"):
        export_results(reader, "csv", tmp_path / "nowhere" / "out.csv")


def test_json_has_no_nan_or_infinity(reader: StoreReader, tmp_path: Path) -> None:
    query = (
        "SELECT 'nan'::DOUBLE AS a, ['inf'::FLOAT, 1.5, NULL] AS b, {'x': '-inf'::DOUBLE, 'y': 1} "
        "AS c, map {'k': 'nan'::DOUBLE} AS d, [[0.5, 'nan'::DOUBLE]] AS e, 'NaN' AS \"f g\""
    )
    clean = {
        "a": None,
        "b": [None, 1.5, None],
        "c": {"x": None, "y": 1},
        "d": {"k": None},
        "e": [[0.5, None]],
        "f g": "NaN",
    }
    export_results(reader, "json", tmp_path / "out.json", query)
    assert json.loads((tmp_path / "out.json").read_text(), parse_constant=pytest.fail) == [clean]
    export_results(reader, "jsonl", tmp_path / "out.jsonl", query)
    assert json.loads((tmp_path / "out.jsonl").read_text(), parse_constant=pytest.fail) == clean


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "duckdb"])
def test_pipe_is_written_to_and_not_replaced(
    reader: StoreReader, tmp_path: Path, format: str
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    receiver = Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    receiver.start()
    assert export_results(reader, format, pipe) == 7
    receiver.join()
    export_results(reader, format, tmp_path / "file")
    assert received == [(tmp_path / "file").read_bytes()]
    assert pipe.is_fifo()


def test_link_is_followed_and_not_replaced(reader: StoreReader, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "out.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    assert export_results(reader, "csv", link) == 7
    with pytest.raises(ExportError, match="overwrite"):
        export_results(reader, "csv", link)
    assert export_results(reader, "csv", link, "SELECT 1 AS a", overwrite=True) == 1
    assert target.read_text() == "a\n1\n"
    assert link.is_symlink()


def test_database_needs_a_regular_file(reader: StoreReader) -> None:
    with pytest.raises(ExportError, match="/dev/null"):
        export_results(reader, "duckdb", Path("/dev/null"))


def test_killed_export_is_cleaned_up_by_the_next(reader: StoreReader, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.export._write_file", Mock(side_effect=Killed))
        patch.setattr("shutil.rmtree", Mock())
        with pytest.raises(Killed):
            export_results(reader, "csv", tmp_path / "out.csv")
    assert len(list(tmp_path.glob(".*"))) == 1
    export_results(reader, "csv", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name != "store"] == ["out.csv"]


def test_stream_takes_little_memory(reader: StoreReader) -> None:
    class Sink:
        total = 0

        def write(self, data: bytes) -> int:
            self.total += len(data)
            return len(data)

        def flush(self) -> None:
            pass

    process = psutil.Process()
    stream_results(reader, "csv", cast(Any, Sink()))
    before, sink = process.memory_info().rss, Sink()
    rows = stream_results(reader, "csv", cast(Any, sink), "SELECT range FROM range(30000000)")
    assert rows == 30_000_000
    assert sink.total > 2**27
    assert process.memory_info().rss - before < 2**27


def test_closed_pipe_ends_a_stream(reader: StoreReader) -> None:
    class Closed:
        def write(self, data: bytes) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        stream_results(reader, "csv", cast(Any, Closed()), "SELECT * FROM range(10000000000)")
    assert reader.sql("SELECT count(*) AS n FROM results").to_pylist() == [{"n": 7}]
