from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.indices import IndexSet
from search.schema import CONNECTIONS, RESULT_SCHEMA
from storage.errors import RowsRefused
from storage.log.sweep_info import describe_sweep
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from tests.storage.made_rows import Rows

_COUNTS = ("weight_nnz", "model_nnz", "effective_nnz", "disconnected_nnz")
_FUNCTIONAL = ("live_nnz", "dead_neurons", "linear_neurons", "folded_nnz")
_METRICS = ("accuracy", "loss", *_COUNTS, *_FUNCTIONAL, "layer_nnz", "used_neurons", "connection")
_LISTS = ("weight_index", "weights", "bias_index", "biases")
_FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def _values(field: pa.Field) -> st.SearchStrategy[Any]:
    if pa.types.is_list(field.type):
        return st.lists(_values(field.type.value_field), max_size=4)
    if pa.types.is_string(field.type):
        return st.text(max_size=12)
    if pa.types.is_boolean(field.type):
        return st.booleans()
    if pa.types.is_float64(field.type):
        return st.floats(allow_nan=False, allow_infinity=False)
    if pa.types.is_float32(field.type):
        return _FLOAT32
    bounds = np.iinfo(field.type.to_pandas_dtype())
    return st.integers(int(bounds.min), int(bounds.max))


@st.composite
def _rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    drawn = []
    for index in draw(st.lists(st.integers(0, 2**62), min_size=1, max_size=4, unique=True)):
        row = {
            field.name: draw(st.none() | _values(field) if field.nullable else _values(field))
            for field in RESULT_SCHEMA
        }
        status = draw(st.sampled_from(["ok", "collapsed", "diverged", "failed"]))
        row |= {
            "experiment_id": f"{index:032x}",
            "study": "phase1",
            "study_index": index,
            "status": status,
            "sweep_id": "the sweep",
            "reason": draw(st.text(max_size=5)),
            "train_ms": draw(st.floats(0, 1e9)),
        }
        if status in ("ok", "collapsed"):
            row |= {name: draw(_values(RESULT_SCHEMA.field(name))) for name in _METRICS}
            row["accuracy"] = draw(st.floats(0, 1))
            row["connection"] = draw(st.sampled_from(CONNECTIONS))
            for places, values in (_LISTS[:2], _LISTS[2:]):
                kept = draw(st.lists(_FLOAT32, max_size=6))
                row |= {values: kept, places: list(range(len(kept)))}
        else:
            row |= dict.fromkeys((*_METRICS, *_LISTS))
        drawn.append(row)
    return drawn


@settings(max_examples=25, deadline=None)
@given(drawn=_rows())
def test_every_column_survives_the_round_trip(drawn: list[dict[str, Any]]) -> None:
    batch = pa.RecordBatch.from_pylist(drawn, schema=RESULT_SCHEMA)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        with StoreWriter(store) as writer:
            writer.begin_sweep(
                describe_sweep(
                    command="", studies=["phase1"], device="cpu", workers=1, root_seed=0
                ).model_copy(update={"sweep_id": "the sweep"})
            )
            indices = IndexSet.from_indices(row["study_index"] for row in drawn)
            writer.append(batch, "d", "phase1", indices)
        with StoreReader(store) as reader:
            columns = ", ".join(RESULT_SCHEMA.names)
            table = reader.sql(f"SELECT {columns} FROM results ORDER BY study_index")
    expected = sorted(batch.to_pylist(), key=lambda row: row["study_index"])
    assert table.to_pylist() == expected
    assert table.schema.types == RESULT_SCHEMA.types


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"accuracy": float("nan")}, "accuracy"),
        ({"loss": float("inf")}, "loss"),
        ({"lr": float("nan")}, "lr"),
        ({"train_ms": float("-inf")}, "train_ms"),
        ({"weights": [float("nan")] * 8}, "weights"),
        ({"weights": [None] * 8}, "weights"),
        ({"biases": [float("inf")] * 6}, "biases"),
        ({"experiment_id": None}, "experiment_id"),
        ({"layers": None}, "layers"),
        ({"backend": None}, "backend"),
        ({"accuracy": None}, "accuracy"),
        ({"weight_nnz": None}, "weight_nnz"),
        ({"accuracy": 97.2}, "accuracy"),
        ({"weights": None, "weight_index": None}, "weights"),
        ({"weights": None}, "weights"),
        ({"weight_index": [0, 1]}, "weight_index"),
        ({"bias_index": []}, "bias_index"),
        ({"status": "great"}, "status"),
        ({"connection": "wireless"}, "connection"),
        ({"connection": None}, "connection"),
        ({"layer_nnz": None}, "layer_nnz"),
        ({"used_neurons": None}, "used_neurons"),
        ({"disconnected_nnz": None}, "disconnected_nnz"),
        ({"live_nnz": None}, "live_nnz"),
        ({"epoch_loss": [float("inf")]}, "epoch_loss"),
        ({"status": "diverged"}, "accuracy"),
        ({"study": "phase2"}, "study"),
        ({"sweep_id": "another"}, "sweep_id"),
        ({"study_index": 7}, "study_index"),
    ],
)
def test_rows_that_break_the_contract_are_refused(
    rows: Rows, store: Path, changes: dict[str, Any], column: str
) -> None:
    batch = rows.batch([rows.row(0), rows.row(1, **changes)])
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        with pytest.raises(RowsRefused, match=column):
            writer.append(batch, rows.digest, rows.study, IndexSet.of([(0, 2)]))
        assert writer._pending.rows == 0
        writer.append(rows.range(0, 2), rows.digest, rows.study, IndexSet.of([(0, 2)]))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"accuracy": 0.5}, "accuracy"),
        ({"effective_nnz": 3}, "effective_nnz"),
        ({"status": "failed"}, "reason"),
    ],
)
def test_rows_without_a_network_have_no_metrics_and_a_reason(
    rows: Rows, store: Path, changes: dict[str, Any], problem: str
) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        batch = rows.batch([rows.diverged(0, **changes)])
        with pytest.raises(RowsRefused, match=problem):
            writer.append(batch, rows.digest, rows.study, IndexSet.of([(0, 1)]))


@pytest.mark.parametrize("indices", [[(0, 1)], [(0, 3)], [(1, 3)], []])
def test_indices_other_than_those_of_the_rows_are_refused(
    rows: Rows, store: Path, indices: list[tuple[int, int]]
) -> None:
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        with pytest.raises(RowsRefused, match="study_index"):
            writer.append(rows.range(0, 2), rows.digest, rows.study, IndexSet.of(indices))


def test_wrong_columns_are_refused(rows: Rows, store: Path) -> None:
    batch = rows.range(0, 1)
    lacking = batch.drop_columns(["sweep_id"])
    mood = RESULT_SCHEMA.append(pa.field("mood", pa.int64()))
    extra = pa.record_batch([*batch.columns, pa.array([1])], schema=mood)
    large = pa.field("experiment_id", pa.large_string(), nullable=False)
    wrong = batch.set_column(0, large, batch.column(0).cast(large.type))
    with StoreWriter(store) as writer:
        writer.begin_sweep(rows.begin())
        for refused, message in ((lacking, "sweep_id"), (wrong, "experiment_id"), (extra, "mood")):
            with pytest.raises(RowsRefused, match=message):
                writer.append(refused, rows.digest, rows.study, IndexSet.of([(0, 1)]))


def test_empty_batch_changes_nothing(rows: Rows, store: Path) -> None:
    with StoreWriter(store, max_seconds=0.0) as writer:
        writer.begin_sweep(rows.begin())
        assert rows.append(writer, 0, 0) == 0
        assert writer.poll() == 0
    assert not StoreReader(store).state.parts
