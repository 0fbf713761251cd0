"""Comparing two stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from search.indices import IndexSet
from storage.merging.compare import Comparison, RowCounts, compare
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Row, Rows


def put(store: Path, rows: Rows, made: list[Row], digest: str | None = None) -> Path:
    """Create a store with these rows."""
    with StoreWriter(store) as writer:
        sweep_id = f"sweep-of-{store.name}"
        writer.begin_sweep(rows.begin(sweep_id))
        made = [row | {"sweep_id": sweep_id} for row in made]
        indices = IndexSet.from_indices(row["study_index"] for row in made)
        writer.append(rows.batch(made), digest or rows.digest, rows.study, indices)
        writer.end_sweep("finished")
    return store


def compared(first: Path, second: Path, studies: list[str] | None = None) -> Comparison:
    with StoreReader(first) as a, StoreReader(second) as b:
        return compare(a.data_files(), b.data_files(), studies)


def test_time_and_sweep_are_not_compared(rows: Rows, tmp_path: Path) -> None:
    first = put(tmp_path / "a", rows, [rows.row(index) for index in range(3)])
    second = put(tmp_path / "b", rows, [rows.row(index, train_ms=1.0) for index in range(3)])
    comparison = compared(first, second)
    assert comparison.same
    assert comparison.studies == {"phase1": RowCounts(equal=3)}


@pytest.mark.parametrize(
    "changes",
    [
        {"accuracy": 0.123},
        {"loss": 1e-12},
        {"weights": [0.0] * 8},
        {"layer_nnz": [2, 3, 1, 2]},
        {"masks": ["10|01", "11|11"]},
        {"lr": 0.050000000000000003 * 2},
        {"reason": "x"},
        {"prunable_95": 3},
    ],
)
def test_difference_in_any_column_is_found(
    rows: Rows, tmp_path: Path, changes: dict[str, object]
) -> None:
    first = put(tmp_path / "a", rows, [rows.row(0, prunable_95=2), rows.row(1)])
    second = put(tmp_path / "b", rows, [rows.row(0, **({"prunable_95": 2} | changes)), rows.row(1)])
    comparison = compared(first, second)
    assert not comparison.same
    assert comparison.total == RowCounts(equal=1, different=1)
    assert comparison.columns == dict.fromkeys(changes, 1)
    (example,) = comparison.examples
    assert example.experiment_id == rows.row(0)["experiment_id"]
    assert example.label == "random:18955"


def test_rows_of_only_one_store_are_counted(
    rows: Rows, fill: Callable[..., Path], tmp_path: Path
) -> None:
    first, second = fill(3, path=tmp_path / "a"), fill(2, 3, path=tmp_path / "b")
    assert compared(first, second).total == RowCounts(only_b=2, equal=3)
    assert compared(second, first).total == RowCounts(only_a=2, equal=3)
    assert compared(second, first, ["another"]).studies == {}
    empty = tmp_path / "empty"
    StoreWriter(empty).close()
    assert compared(first, empty).total == RowCounts(only_a=3)
    assert compared(empty, empty).same


def test_absent_column_is_not_a_difference(rows: Rows, tmp_path: Path) -> None:
    curves = {"epoch_loss": [0.5, 0.25], "epoch_accuracy": [0.5, 0.75]}
    first = put(tmp_path / "a", rows, [rows.row(0), rows.row(1)])
    second = put(tmp_path / "b", rows, [rows.row(0, **curves), rows.row(1, loss=2.0, **curves)])
    comparison = compared(first, second)
    assert comparison.total == RowCounts(lacking=1, different=1)
    assert comparison.columns == {"loss": 1}
    assert comparison.lacking == {"epoch_loss": 2, "epoch_accuracy": 2}


def test_differences_of_the_backend_alone_are_counted(rows: Rows, tmp_path: Path) -> None:
    first = put(tmp_path / "a", rows, [rows.row(index) for index in range(3)])
    second = put(
        tmp_path / "b",
        rows,
        [rows.row(0), rows.row(1, backend="x"), rows.row(2, backend="x", loss=2.0)],
    )
    comparison = compared(first, second)
    assert (comparison.total.different, comparison.other_backend, comparison.backend_alone) == (
        2,
        2,
        1,
    )
    assert [example.backends for example in comparison.examples] == [("numba", "x")] * 2


def test_index_in_an_edited_sweep_file_is_not_compared(rows: Rows, tmp_path: Path) -> None:
    first = put(tmp_path / "a", rows, [rows.row(0)])
    second = put(tmp_path / "b", rows, [rows.row(0, study_index=7)], digest="e" * 64)
    assert compared(first, second).same
