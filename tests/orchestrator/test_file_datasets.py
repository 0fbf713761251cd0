"""Data sets in files of the user: `dataset = "file:points.parquet"`."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from orchestrator.planning.targets import find_targets
from search import dataset_files
from search.dataset_files import file_at, held_file
from search.datasets import dataset_named
from search.indices import IndexSet
from tests.orchestrator.running import INLINE, refused, rows, sparsest
from workers.datasets import load_dataset, made_once
from workers.task import Task, run_task
from workers.train import train_batch

SWEEP = """
name = "mine"
[base]
dataset = "file:data/points.parquet"
epochs = 2
batch_size = 16
[grid]
structure = ["3x2"]
"""


def points(seed: int = 0, **columns: Any) -> pa.Table:
    """Return 80 points of three classes with two features, every fourth in the test split."""
    numbers = np.random.RandomState(seed).standard_normal((80, 2))
    labels = [n % 3 for n in range(80)]
    split = ["test" if n % 4 == 0 else "train" for n in range(80)]
    default = {"length": numbers[:, 0], "mass": numbers[:, 1], "label": labels, "split": split}
    return pa.table(
        {name: value for name, value in (default | columns).items() if value is not None}
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a sweep file and points, and an empty cache; nothing is held."""
    monkeypatch.setenv("SPARSEST_CACHE", str(tmp_path / "cache"))
    forget()
    (tmp_path / "data").mkdir()
    parquet.write_table(points(), tmp_path / "data" / "points.parquet")
    (tmp_path / "mine.toml").write_text(SWEEP)
    return tmp_path


def forget() -> None:
    """Forget the files and data sets that were read, as a new process does."""
    dataset_files._held.clear()
    made_once.cache_clear()


def test_sweep_names_the_file_relative_to_itself_and_by_its_digest(folder: Path) -> None:
    sparsest("run", str(folder / "mine.toml"), "--store", str(folder / "store"), *INLINE)
    (row,) = rows(folder / "store").to_pylist()
    name = row["dataset"]
    assert name.startswith("file:points.parquet:")
    assert row["layers"] == [2, 3, 2, 3]
    assert row["dataset_digest"] == load_dataset(name).digest
    assert row["test_accuracy"] is not None
    spec, dataset = dataset_named(name), load_dataset(name)
    assert (spec.points, spec.test_points, spec.classes) == (60, 20, 3)
    assert dataset.feature_names == ("length", "mass")
    np.testing.assert_allclose(dataset.points.mean(axis=0), 0, atol=1e-6)


def test_file_is_searched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    options = ("--structure", "1", "--target", "0.1", "--epochs", "1", "--batch-size", "16")
    words = ("search", "--dataset", "file:data/points.parquet", *options, "--lr", "0.1", *INLINE)
    assert sparsest(*words, "--schedule", "constant", "--store", "store").code == 0
    (row,) = rows(folder / "store").to_pylist()
    assert row["dataset"] == load_dataset("file:data/points.parquet").name


def test_other_points_under_the_same_name_are_other_experiments(folder: Path) -> None:
    def experiment_id() -> str:
        (selection,) = find_targets([str(folder / "mine.toml")])
        return selection.study[0].experiment_id

    first = experiment_id()
    assert experiment_id() == first
    parquet.write_table(points(seed=1), folder / "data" / "points.parquet")
    assert experiment_id() != first


def test_csv_holds_the_same_points(folder: Path) -> None:
    csv.write_csv(points(), folder / "points.csv")
    one, other = folder / "points.csv", folder / "data" / "points.parquet"
    assert load_dataset(f"file:{one}").digest == load_dataset(f"file:{other}").digest
    assert load_dataset(f"file:{one}").name != load_dataset(f"file:{other}").name


def test_worker_without_the_file_is_sent_it_with_the_task(folder: Path) -> None:
    (selection,) = find_targets([str(folder / "mine.toml")])
    (name,) = selection.study.values("dataset")
    task = Task(selection.study, IndexSet(((0, 1),)), "sweep", files=(held_file(name),))
    sent = pickle.dumps(task)
    forget()
    for copy in (folder / "cache" / "datasets").iterdir():
        copy.unlink()
    with pytest.raises(ValueError, match=r"points\.parquet"):
        train_batch([selection.study[0]])
    (row,) = run_task(pickle.loads(sent), {}, "cpu").to_pylist()
    assert (row["dataset"], row["status"]) == (name, "ok")


def test_stored_row_is_replayed_anywhere_as_long_as_the_same_file_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = folder / "store"
    sparsest("run", str(folder / "mine.toml"), "--store", str(store), *INLINE)
    (row,) = rows(store).to_pylist()
    replay = ("replay", row["experiment_id"], "--store", str(store))
    forget()
    monkeypatch.chdir("/")
    assert sparsest(*replay).code == 0
    forget()
    monkeypatch.setenv("SPARSEST_CACHE", str(folder / "empty"))
    assert "points.parquet" in refused(*replay)
    monkeypatch.chdir(folder / "data")
    assert sparsest(*replay).code == 0
    forget()
    parquet.write_table(points(seed=1), "points.parquet")
    assert "other bytes" in refused(*replay)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"label": None}, "'label'"),
        ({"length": None, "mass": None}, "features"),
        ({"split": ["train", "valid"] * 40}, "'valid'"),
        ({"split": ["test"] * 80}, "no point to train on"),
        ({"mass": ["much"] * 80}, "'mass'"),
        ({"mass": [1.0, None] * 40}, "'mass' has no value in row 1"),
        ({"mass": [1.0, np.nan] * 40}, "'mass' has nan in row 1"),
        ({"mass": [5.0] * 80}, "feature mass"),
        ({"label": [0, 2] * 40}, "class 1"),
        ({"label": [0] * 80}, "2 classes"),
        ({"label": [0, 1.5] * 40}, "1.5"),
    ],
)
def test_unusable_file_is_refused_by_name(
    folder: Path, columns: dict[str, Any], problem: str
) -> None:
    parquet.write_table(points(**columns), folder / "data" / "points.parquet")
    run = ("run", str(folder / "mine.toml"), "--store", str(folder / "store"), *INLINE)
    message = refused(*run)
    assert "file:points.parquet:" in message
    assert problem in message
    assert not (folder / "store").exists()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing.parquet", "missing.parquet"),
        ("mine.toml", ".toml"),
        ("data", "data"),
        (f"{'n' * 300}.csv", "nnn.csv"),
    ],
)
def test_file_that_cannot_be_read_is_refused(folder: Path, name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        file_at(folder / name)


def test_stored_name_that_is_too_long_for_a_file_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"nnn\.csv"):
        held_file(f"file:{'n' * 300}.csv:{'0' * 16}")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_file_with_two_columns_of_one_name_is_refused(folder: Path, suffix: str) -> None:
    table = points().rename_columns(["length", "length", "label", "split"])
    path = folder / f"twice{suffix}"
    (csv.write_csv if suffix == ".csv" else parquet.write_table)(table, path)
    assert "'length'" in refused("datasets", "--show", f"file:{path}")


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
def test_row_numbers_of_pandas_are_refused_as_a_feature(folder: Path, name: str) -> None:
    table = points()
    numbered = table.add_column(0, name, pa.array(range(len(table))))
    csv.write_csv(numbered, folder / "numbered.csv")
    assert "row numbers" in refused("datasets", "--show", f"file:{folder / 'numbered.csv'}")
