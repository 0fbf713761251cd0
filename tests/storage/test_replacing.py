"""Rows that are forgotten or retried, as readers and later writers see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from storage.checking.verify import verify_store
from storage.errors import RowsRefused, StoreDamaged
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

_COLUMNS = ", ".join(RESULT_SCHEMA.names)


def ids(rows: Rows, *indices: int) -> list[str]:
    return [rows.row(index)["experiment_id"] for index in indices]


def stored_rows(store: Path) -> list[dict[str, object]]:
    with StoreReader(store) as reader:
        found: list[dict[str, object]] = reader.sql(
            f"SELECT {_COLUMNS} FROM results ORDER BY study_index"
        ).to_pylist()
    return found


@pytest.fixture
def store_with_failures(rows: Rows, store: Path) -> Path:
    """A store of two files, in which row 1 diverged and rows 2 and 5 failed."""
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        for start in (0, 4):
            made = [rows.row(index) for index in range(start, start + 4)]
            for index in (1, 2, 5):
                status = "diverged" if index == 1 else "failed"
                if start <= index < start + 4:
                    made[index - start] = rows.diverged(index, status=status, reason="x")
            indices = IndexSet.of([(start, start + 4)])
            writer.append(rows.batch(made), rows.digest, rows.study, indices)
            writer.commit()
        writer.end_sweep("finished")
    return store


def test_forget_removes_exactly_the_given_rows(rows: Rows, fill: Callable[..., Path]) -> None:
    store = fill(4, 4, 2)
    before = stored_rows(store)
    with StoreWriter(store) as writer:
        assert writer.forget([*ids(rows, 1, 6, 8, 9), "f" * 32]) == 4
        assert writer.stored(rows.digest).intervals == ((0, 1), (2, 6), (7, 8))
    assert stored_rows(store) == [row for row in before if row["study_index"] not in (1, 6, 8, 9)]
    assert verify_store(store) == []
    with StoreReader(store) as reader:
        (sweep,) = reader.sql("SELECT rows_logged, ok, stored FROM sweeps").to_pylist()
        assert sweep == {"rows_logged": 6, "ok": 6, "stored": 10}
        assert reader.state.rows == 6
        assert len(reader.state.parts) == 2


def test_forgotten_experiments_cannot_be_stored_again(
    rows: Rows, fill: Callable[..., Path]
) -> None:
    store = fill(4)
    before = stored_rows(store)
    with StoreWriter(store) as writer:
        assert writer.forget(ids(rows, 0, 1, 2, 3)) == 4
        assert writer.forget(ids(rows, 0)) == 0
    with StoreReader(store) as reader:
        assert reader.state.studies == {}
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin("second"))
        rows.append(writer, 0, 4, sweep_id="second")
    assert stored_rows(store) == [row | {"sweep_id": "second"} for row in before]


def test_reader_survives_the_replacement_of_its_file(rows: Rows, fill: Callable[..., Path]) -> None:
    store = fill(4)
    count = "SELECT count(*) AS n FROM results"
    with StoreReader(store) as asked, StoreReader(store) as opened:
        assert asked.sql(count).to_pylist() == [{"n": 4}]
        (old,) = (store / "data").iterdir()
        with StoreWriter(store) as writer:
            writer.forget(ids(rows, 0))
        assert old.exists()
        assert asked.sql(count).to_pylist() == [{"n": 4}]
        with StoreWriter(store) as writer:
            writer.begin_sweep(rows.begin("second"))
        assert not old.exists()
        assert asked.sql(count).to_pylist() == [{"n": 3}]
        assert opened.sql(count).to_pylist() == [{"n": 3}]
        old.with_name(next((store / "data").iterdir()).name).unlink()
        with pytest.raises(StoreDamaged, match="missing"):
            asked.sql(count)


def test_rows_of_a_damaged_file_are_not_rewritten(rows: Rows, fill: Callable[..., Path]) -> None:
    store = fill(4)
    (part,) = (store / "data").iterdir()
    content = bytearray(part.read_bytes())
    group = pq.read_metadata(part).row_group(0)
    paths = [group.column(place).path_in_schema for place in range(group.num_columns)]
    content[group.column(paths.index("biases.list.element")).data_page_offset + 40] ^= 1
    part.chmod(0o644)
    part.write_bytes(content)
    with StoreWriter(store) as writer, pytest.raises(StoreDamaged, match="SHA-256"):
        writer.forget(ids(rows, 0))
    assert len(list((store / "log").iterdir())) == 3


def test_retried_row_is_exchanged_for_the_new_one(rows: Rows, store_with_failures: Path) -> None:
    before = stored_rows(store_with_failures)
    with StoreWriter(store_with_failures) as writer:
        assert writer.retry(["failed"]) == 2
        assert writer.stored(rows.digest).intervals == ((0, 2), (3, 5), (6, 8))
        writer.begin_sweep(rows.begin("second"))
        rows.append(writer, 2, 3, sweep_id="second")
        assert stored_rows(store_with_failures) == before
        assert writer.commit() == 1
        assert writer.stored(rows.digest).intervals == ((0, 5), (6, 8))
        with pytest.raises(RowsRefused, match="index 2"):
            rows.append(writer, 2, 3, sweep_id="second")
        with pytest.raises(RowsRefused, match="index 1"):
            rows.append(writer, 1, 2, sweep_id="second")
        writer.end_sweep("finished")
    assert stored_rows(store_with_failures) == [
        rows.row(2, sweep_id="second") if row["study_index"] == 2 else row for row in before
    ]
    assert verify_store(store_with_failures) == []
    with StoreReader(store_with_failures) as reader:
        sweeps = reader.sql("SELECT rows_logged, ok, diverged, failed FROM sweeps").to_pylist()
    assert [tuple(sweep.values()) for sweep in sweeps] == [(7, 5, 1, 1), (1, 1, 0, 0)]


def test_retried_row_is_found_after_its_sweep_file_was_edited(
    rows: Rows, store_with_failures: Path
) -> None:
    edited = "e" * 64
    with StoreWriter(store_with_failures) as writer:
        assert len(writer.ids_of_other_versions(rows.study, edited)) == 8
        writer.retry(["failed", "diverged"])
        assert len(writer.ids_of_other_versions(rows.study, edited)) == 5
        writer.begin_sweep(rows.begin("second"))
        moved = rows.row(5, study_index=70, sweep_id="second")
        writer.append(rows.batch([moved]), edited, rows.study, IndexSet.of([(70, 71)]))
    with StoreReader(store_with_failures) as reader:
        found = reader.sql("SELECT experiment_id, study_index, status FROM results").to_pylist()
        assert reader.stored(rows.digest).intervals == ((0, 5), (6, 8))
        assert reader.stored(edited).intervals == ((70, 71),)
    assert len(found) == len({row["experiment_id"] for row in found}) == 8
    assert [row["status"] for row in found if row["study_index"] == 70] == ["ok"]
