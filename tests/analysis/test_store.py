from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

import sparsest
from search.grid import Table
from search.indices import IndexSet
from search.study import Study
from storage.errors import NotAStore, QueryError, ReadOnlyError, UnknownExperiment
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter
from workers.task import Task, run_task

_STUDY = Study(
    "mini",
    "three trainings, of which the last one diverges",
    Table(
        ("structure", "epochs", "lr"), (((3, 3, 3), 1, 0.2), ((4, 2), 1, 0.2), ((2, 2, 2), 1, 1e30))
    ),
)


def _store_rows(path: Path, indices: range) -> None:
    with StoreWriter(path) as writer:
        sweep_id = writer.begin_sweep(
            describe_sweep(command="test", studies=["mini"], device="cpu", workers=1, root_seed=0)
        )
        task = Task(_STUDY, IndexSet.from_range(indices), sweep_id)
        writer.append(run_task(task, {}, "cpu"), _STUDY.digest, _STUDY.name, task.indices)
        writer.end_sweep("finished")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    _store_rows(tmp_path / "store", range(3))
    return tmp_path / "store"


@pytest.fixture
def store(path: Path) -> Iterator[sparsest.Store]:
    with sparsest.open(path) as opened:
        yield opened


def test_network_of_a_row_has_the_recorded_accuracy(store: sparsest.Store) -> None:
    rows = store.sql("SELECT * FROM results WHERE status = 'ok' ORDER BY study_index").arrow()
    assert rows.num_rows == 2
    for row in rows.to_pylist():
        dataset = sparsest.load_dataset(row["dataset"])
        network = store.network(row["experiment_id"])
        # A point whose logit rounds to zero may fall on either side.
        tolerance = 2.5 / len(dataset)
        assert sparsest.accuracy(network, dataset) == pytest.approx(row["accuracy"], abs=tolerance)
        assert [len(bias) for _, bias in network.layers()] == row["layers"][1:]


def test_diverged_training_has_no_network(store: sparsest.Store) -> None:
    experiment_id = _STUDY[2].experiment_id
    assert store.row(experiment_id)["status"] == "diverged"
    with pytest.raises(ValueError, match=f"{experiment_id}.*diverged"):
        store.network(experiment_id)


def test_prefix_of_an_id_is_enough(store: sparsest.Store) -> None:
    experiment_id = _STUDY[0].experiment_id
    assert store.row(experiment_id[:8])["experiment_id"] == experiment_id
    with pytest.raises(UnknownExperiment):
        store.network("0" * 20)


def test_listing_of_experiments_has_no_networks(store: sparsest.Store) -> None:
    listing = store.experiments()
    assert len(listing) == 3
    columns = listing.arrow().column_names
    assert {"experiment_id", "structure", "mask1", "accuracy", "layers"} <= set(columns)
    assert not {"weights", "weight_index", "biases", "bias_index"} & set(columns)
    ids = listing.arrow().column("experiment_id").to_pylist()
    assert ids == [experiment.experiment_id for experiment in _STUDY]


def test_threads_can_share_a_store(store: sparsest.Store) -> None:
    query = "SELECT count(*) AS n FROM results"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: store.sql(query).arrow().to_pylist(), range(40)))
    assert len(answers) == 40
    assert all(answer == answers[0] for answer in answers)


def test_rows_committed_after_opening_are_seen(tmp_path: Path) -> None:
    _store_rows(tmp_path / "store", range(2))
    with sparsest.open(tmp_path / "store") as store:
        assert len(store.experiments()) == 2
        _store_rows(tmp_path / "store", range(2, 3))
        assert store.row(_STUDY[2].experiment_id)["study_index"] == 2
        assert len(store.experiments()) == 3


def test_query_result_is_equal_in_arrow_and_pandas(store: sparsest.Store) -> None:
    result = store.sql("SELECT study_index, accuracy FROM results ORDER BY study_index")
    assert isinstance(result.arrow(), pa.Table)
    frame = result.df()
    assert frame["study_index"].tolist() == [0, 1, 2]
    assert frame["accuracy"].tolist()[:2] == result.arrow().column("accuracy").to_pylist()[:2]
    assert frame["accuracy"].isna().tolist() == [False, False, True]


def test_rows_are_grouped_in_polars_as_in_sql(store: sparsest.Store) -> None:
    frame = store.experiments().pl()
    grouped = frame.group_by("status").len().sort("status").rows()
    assert grouped == [("diverged", 1), ("ok", 2)]
    counted = store.sql("SELECT status, count(*) FROM results GROUP BY ALL ORDER BY ALL").arrow()
    assert [tuple(row.values()) for row in counted.to_pylist()] == grouped
    whole = store.sql("FROM results ORDER BY study_index").pl()
    assert whole["weights"].list.len().to_list()[:2] == whole["weight_nnz"].to_list()[:2]


@pytest.mark.parametrize(
    ("package", "call", "extra"), [("pandas", "df", "notebook"), ("polars", "pl", "export")]
)
def test_missing_optional_package_names_the_extra(
    store: sparsest.Store, package: str, call: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = store.sql("SELECT 1 AS one")
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(ImportError, match=rf"sparsest\[{extra}\]"):
        getattr(result, call)()


def test_result_shows_its_size_and_columns(store: sparsest.Store) -> None:
    result = store.sql("SELECT study_index, accuracy FROM results")
    assert repr(result) == "QueryResult(3 rows: study_index, accuracy)"


def test_notebook_cannot_change_a_store(store: sparsest.Store) -> None:
    with pytest.raises(ReadOnlyError):
        store.sql("DROP VIEW results")
    with pytest.raises(QueryError, match="accurracy"):
        store.sql("SELECT accurracy FROM results")
    assert len(store.experiments()) == 3


def test_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAStore):
        sparsest.open(tmp_path)


def test_store_shows_its_path_and_rows(path: Path) -> None:
    with sparsest.open(path) as store:
        assert repr(store) == f"Store({path}: 3 rows; mini 3)"
    with sparsest.open_published() as published:
        assert "485,838 rows; " in repr(published)
        assert "phase2-95 155,952" in repr(published)
