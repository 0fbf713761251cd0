"""Stores with data files of earlier versions of the columns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from search.schema import RESULT_SCHEMA, SCHEMA_VERSION
from storage.checking.verify import verify_store
from storage.data.new_parts import schema_sha256
from storage.errors import StoreDamaged
from storage.export import export_results
from storage.log.entries import RowsCommitted, RowsOfSweep, no_rows_by_status
from storage.merging.compare import RowCounts, compare
from storage.merging.merge import merge_stores
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.writing.committer import Committer
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

FUNCTIONAL = ["live_nnz", "dead_neurons", "linear_neurons", "folded_nnz"]
TESTED = ["test_accuracy", "test_loss"]
ORIGIN = ["steps", "edge_updates", "extras", "dataset_digest"]
SPECIFIED = ["target_accuracy", "init_scheme", "pair"]
NEW_IN_3 = [*SPECIFIED, *TESTED, *FUNCTIONAL, *ORIGIN]
NEW_SINCE_1 = [
    "target_accuracy",
    "hyperparameters",
    "init_scheme",
    "pair",
    *TESTED,
    "disconnected_nnz",
    "layer_nnz",
    "used_neurons",
    "connection",
    *FUNCTIONAL,
    "prunable_own",
    "prunable_95",
    "prunable_995",
    "epoch_loss",
    "epoch_accuracy",
    *ORIGIN,
]


def digest_of(schema: pa.Schema) -> str:
    text = "\n".join(f"{field.name} {field.type} {field.nullable}" for field in schema)
    return hashlib.sha256(text.encode()).hexdigest()


LACKING = {1: NEW_SINCE_1, 2: NEW_IN_3, 3: [*SPECIFIED, *TESTED, *ORIGIN]}
"""Version of the columns -> the columns of today that it lacks."""


@pytest.fixture(params=LACKING)
def version(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def lacking(version: int) -> list[str]:
    return LACKING[version]


@pytest.fixture
def old(rows: Rows, store: Path, version: int) -> Path:
    """A store whose rows 0 to 3 were written with an earlier version of the columns."""
    return write_old(rows, store, version, LACKING[version])


def write_old(rows: Rows, store: Path, version: int, lacking: list[str]) -> Path:
    table = pa.Table.from_batches([rows.range(0, 4, sweep_id="old")]).drop_columns(lacking)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    data = sink.getvalue()
    committer = Committer(store, command="old")
    committer.publish(rows.begin("old"))
    part = RowsCommitted(
        file=StorePaths(store).new_part().name,
        bytes=data.size,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=4,
        schema_version=version,
        schema_sha256=digest_of(table.schema),
        sweeps={
            "old": RowsOfSweep(rows=4, by_status=no_rows_by_status() | {"ok": 4}, train_seconds=0.1)
        },
        indices={rows.digest: [(0, 4)]},
        studies={rows.digest: rows.study},
    )
    committer.publish_rows(data, part)
    committer.close()
    return store


def add_new(rows: Rows, store: Path) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 4, 6)


def test_schema_digest_covers_names_types_and_nullability() -> None:
    assert schema_sha256() == digest_of(RESULT_SCHEMA)


@pytest.mark.parametrize("mixed", [False, True], ids=["old alone", "old and new"])
def test_columns_that_old_rows_lack_are_null(
    rows: Rows, old: Path, lacking: list[str], mixed: bool
) -> None:
    if mixed:
        add_new(rows, old)
    expected = [rows.row(index, sweep_id="old") | dict.fromkeys(lacking) for index in range(4)]
    expected += [rows.row(index) for index in range(4, 6)] if mixed else []
    query = f"SELECT {', '.join(RESULT_SCHEMA.names)} FROM results ORDER BY study_index"
    with StoreReader(old) as reader:
        found = reader.sql(query)
        described = reader.sql("DESCRIBE results").to_pylist()
        assert reader.row(expected[0]["experiment_id"])["steps"] is None
    assert found.to_pylist() == pa.Table.from_pylist(expected, RESULT_SCHEMA).to_pylist()
    assert found.schema.types == RESULT_SCHEMA.types
    names = [line["column_name"] for line in described]
    assert [name for name in names if name in lacking] == lacking


def test_old_and_new_rows_have_the_columns_of_a_new_store(
    rows: Rows, old: Path, fill: Callable[..., Path], tmp_path: Path
) -> None:
    add_new(rows, old)
    with StoreReader(old) as mixed, StoreReader(fill(1, path=tmp_path / "new")) as new:
        query = "SELECT * FROM results LIMIT 0"
        assert mixed.sql(query).schema.equals(new.sql(query).schema)


def test_old_rows_count_as_stored_and_are_never_changed(
    rows: Rows, old: Path, version: int
) -> None:
    (file,) = (old / "data").iterdir()
    content = file.read_bytes()
    add_new(rows, old)
    assert file.read_bytes() == content
    assert verify_store(old) == []
    with StoreReader(old) as reader:
        assert len(reader.stored(rows.digest)) == 6
        assert [part.schema_version for part in reader.state.parts] == [version, SCHEMA_VERSION]


def test_old_rows_are_exported_with_all_columns(
    rows: Rows, old: Path, lacking: list[str], tmp_path: Path
) -> None:
    add_new(rows, old)
    with StoreReader(old) as reader:
        for format in ("parquet", "duckdb"):
            assert export_results(reader, format, tmp_path / f"all.{format}") == 6
    assert set(lacking) < set(pq.read_schema(tmp_path / "all.parquet").names)
    with duckdb.connect(str(tmp_path / "all.duckdb"), read_only=True) as database:
        query = "SELECT count(*), count(steps) FROM results"
        assert database.sql(query).fetchall() == [(6, 2)]


def test_columns_that_no_version_had_are_refused(rows: Rows, store: Path) -> None:
    write_old(rows, store, 2, NEW_SINCE_1)
    for use in (StoreReader, StoreWriter):
        with pytest.raises(StoreDamaged, match="columns"):
            use(store)


def test_rewriting_an_old_file_keeps_its_other_rows(
    rows: Rows, old: Path, lacking: list[str]
) -> None:
    with StoreWriter(old) as writer:
        assert writer.forget([rows.row(1)["experiment_id"]]) == 1
    expected = [rows.row(index, sweep_id="old") | dict.fromkeys(lacking) for index in (0, 2, 3)]
    query = f"SELECT {', '.join(RESULT_SCHEMA.names)} FROM results ORDER BY study_index"
    with StoreReader(old) as reader:
        assert (
            reader.sql(query).to_pylist()
            == pa.Table.from_pylist(expected, RESULT_SCHEMA).to_pylist()
        )
    assert verify_store(old) == []


def test_old_files_are_merged_unchanged(rows: Rows, old: Path, tmp_path: Path) -> None:
    (file,) = (old / "data").iterdir()
    into = tmp_path / "into"
    merge_stores([old], into, command="merge")
    (copy,) = (into / "data").iterdir()
    assert copy.read_bytes() == file.read_bytes()
    new = tmp_path / "new"
    with StoreWriter(new) as writer:
        writer.begin_sweep(rows.begin())
        rows.append(writer, 3, 5)
    with StoreReader(old) as first, StoreReader(new) as second:
        found = compare(first.data_files(), second.data_files())
    assert found.total == RowCounts(only_a=3, only_b=1, lacking=1)
