from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from storage.errors import ExportError, QueryError, ReadOnlyError
from storage.export import FORMATS, export_results
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows


@pytest.fixture
def reader(fill: Callable[..., Path]) -> Iterator[StoreReader]:
    with StoreReader(fill(3, 4)) as opened:
        yield opened


def test_parquet_export_is_all_of_results(reader: StoreReader, tmp_path: Path) -> None:
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


def test_json_export_is_one_object_a_line(reader: StoreReader, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    assert export_results(reader, "json", output) == 7
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    for line, row in zip(lines, reader.sql("SELECT * FROM results").to_pylist(), strict=True):
        assert line["loss"] == row["loss"]
        assert line["masks"] == row["masks"]
        assert line["reason"] is None


def test_database_export_stands_by_itself(reader: StoreReader, tmp_path: Path, rows: Rows) -> None:
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
    folder = tmp_path / "it's [here]"
    folder.mkdir()
    export_results(reader, format, folder / "out")
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert (folder / "out").stat().st_size > 100


@pytest.mark.parametrize("format", FORMATS)
def test_a_query_chooses_what_is_exported(reader: StoreReader, tmp_path: Path, format: str) -> None:
    query = "SELECT study_index FROM results WHERE study_index < 5 ORDER BY 1 DESC; -- five"
    output = tmp_path / "out"
    assert export_results(reader, format, output, query) == 5
    if format == "parquet":
        assert pq.read_table(output).column(0).to_pylist() == [4, 3, 2, 1, 0]
    if format == "csv":
        assert output.read_text().split() == ["study_index", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_store_without_rows_can_be_exported(tmp_path: Path, format: str) -> None:
    with StoreWriter(tmp_path / "store"):
        pass
    with StoreReader(tmp_path / "store") as reader:
        assert export_results(reader, format, tmp_path / "out") == 0
    assert (tmp_path / "out").exists()


def test_an_existing_file_is_kept_unless_told(reader: StoreReader, tmp_path: Path) -> None:
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


def test_a_failed_export_leaves_the_old_file_and_nothing_else(
    reader: StoreReader, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    output.write_text("precious")
    before = set(tmp_path.iterdir())
    with pytest.raises(QueryError, match="nosuch"):
        export_results(reader, "csv", output, "SELECT nosuch FROM results", overwrite=True)
    with pytest.raises(QueryError, match="These are 2 statements"):
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
def test_an_export_runs_no_query_that_a_reader_may_not(
    reader: StoreReader, tmp_path: Path, query: str
) -> None:
    part = next(reader.paths.data.iterdir())
    before = part.read_bytes()
    with pytest.raises((ReadOnlyError, QueryError)):
        export_results(reader, "csv", tmp_path / "out.csv", query.replace("{part}", str(part)))
    assert part.read_bytes() == before
    assert not (tmp_path / "out.csv").exists()


def test_impossible_outputs_are_refused(reader: StoreReader, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="parquet, csv, json, duckdb"):
        export_results(reader, "xlsx", tmp_path / "out.xlsx")
    with pytest.raises(ExportError, match="nowhere"):
        export_results(reader, "csv", tmp_path / "nowhere" / "out.csv")
