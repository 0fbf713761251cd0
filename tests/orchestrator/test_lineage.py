"""Rows that start from another row's weights: training, replaying, deleting and merging them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from search.experiment import Experiment
from storage.checking.verify import verify_store
from storage.merging.merge import merge_stores
from storage.reading.reader import StoreReader
from storage.writing.editor import StoreEditor
from tests.orchestrator.running import INLINE, count_rows, query, refused, sparsest, write_sweep
from workers.initial import initial_network
from workers.trained import stored_layers

ROOT = 'structure = ["3x2x2"]\nlr = [0.03]'


def child(folder: Path, name: str, init: str, grid: str = 'structure = ["3x2x2"]') -> Path:
    return write_sweep(folder / f"{name}.toml", f'init = ["{init}"]\n{grid}')


def id_of(store: Path, study: str) -> str:
    (row,) = query(store, f"SELECT experiment_id FROM results WHERE study = '{study}'").to_pylist()
    return str(row["experiment_id"])


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a root, its child with a removed weight, and a grandchild; tests only read."""
    folder = tmp_path_factory.mktemp("family")
    store = folder / "store"
    sweeps: list[Callable[[], Path]] = [
        lambda: write_sweep(folder / "root.toml", ROOT),
        lambda: child(
            folder,
            "child",
            f"row:{id_of(store, 'root')}/final",
            'structure = ["3x2x2"]\nmask1 = ["11|10|11"]',
        ),
        lambda: child(
            folder, "grandchild", f"row:{id_of(store, 'child')}/final", 'structure = ["2x2x2"]'
        ),
        lambda: child(folder, "twin", f"row:{id_of(store, 'root')}"),
    ]
    for make in sweeps:
        ended = sparsest("run", make(), "--store", store, *INLINE)
        assert ended.code == 0, ended.err
    return store


@pytest.fixture
def copy(family: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(family, tmp_path / "store"))


def network(store: Path, study: str) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    with StoreReader(store) as reader:
        return [part for layer in stored_layers(reader.row(id_of(store, study))) for part in layer]


def test_id_follows_from_the_parent_and_from_which_of_its_weights(family: Path) -> None:
    parent = id_of(family, "root")
    ids = {
        Experiment(init=init).experiment_id
        for init in ("fresh", f"row:{parent}", f"row:{parent}/final")
    }
    assert len(ids) == 3
    answer = query(family, "SELECT study, parent FROM results ORDER BY study").to_pylist()
    assert {row["study"]: row["parent"] for row in answer} == {
        "root": None,
        "twin": parent,
        "child": parent,
        "grandchild": id_of(family, "child"),
    }


def test_training_starts_from_the_weights_of_the_parent(family: Path, tmp_path: Path) -> None:
    # With a negligible learning rate a network stays what it started as.
    store = Path(shutil.copytree(family, tmp_path / "store"))
    for name, init, grid in (
        ("same", f"row:{id_of(store, 'child')}/final", 'structure = ["3x2x2"]'),
        ("less", f"row:{id_of(store, 'child')}/final", 'structure = ["2x1x2"]'),
        ("early", f"row:{id_of(store, 'root')}", 'structure = ["3x2x2"]'),
    ):
        sweep = child(tmp_path, name, init, f"{grid}\nlr = [1e-30]\nweight_decay = [0.0]")
        assert sparsest("run", sweep, "--store", store, *INLINE).code == 0
    trained = network(store, "child")
    assert all(map(np.array_equal, network(store, "same"), trained))
    assert trained[0][1, 1] == 0
    less = network(store, "less")
    assert np.array_equal(less[0], trained[0][:2])
    assert np.array_equal(less[2], trained[2][:1, :2])
    root = Experiment(study="root", structure=(3, 2, 2), lr=0.03, epochs=1)
    assert root.experiment_id == id_of(store, "root")
    assert np.array_equal(network(store, "early")[0], initial_network(root)[0][0][:3, :2])


def test_replay_makes_a_network_again_from_its_root(family: Path) -> None:
    for study in ("child", "grandchild", "twin"):
        ended = sparsest("replay", id_of(family, study), "--store", family)
        assert (ended.code, "the same" in ended.out) == (0, True), ended


def test_replay_names_the_missing_ancestor(copy: Path) -> None:
    root, last = id_of(copy, "root"), id_of(copy, "grandchild")
    with StoreEditor(copy) as editor:  # which does not look for children, as `forget` does
        editor.forget([root])
    assert root in refused("replay", last, "--store", copy)


def test_row_is_deleted_only_with_its_descendants(copy: Path) -> None:
    message = refused("forget", "root", "child", "--store", copy, "--yes")
    assert count_rows(copy) == 4
    assert id_of(copy, "grandchild") in message or id_of(copy, "twin") in message
    assert sparsest("forget", "grandchild", "--store", copy, "--yes").code == 0
    assert sparsest("forget", "root", "child", "twin", "--store", copy, "--yes").code == 0
    assert count_rows(copy) == 0


@pytest.mark.parametrize("which", ["", "/final"])
def test_parent_must_be_in_the_store(which: str, tmp_path: Path) -> None:
    missing = "0123456789abcdef" * 2
    sweep = child(tmp_path, "lost", f"row:{missing}{which}")
    assert missing in refused("run", sweep, "--store", tmp_path / "new", *INLINE)
    assert not (tmp_path / "new").exists()


def test_child_must_fit_its_parent(copy: Path, tmp_path: Path) -> None:
    sweep = child(
        tmp_path, "wide", f"row:{id_of(copy, 'root')}/final", 'structure = ["3x2x2", "4x2x2"]'
    )
    message = refused("run", sweep, "--store", copy, *INLINE)
    assert "4x2x2" in message
    assert "3x2x2" in message
    assert count_rows(copy) == 4


@pytest.mark.parametrize("init", ["row:123", "row:" + "g" * 32, f"row:{'0' * 32}/last"])
def test_malformed_parent_is_refused(init: str, tmp_path: Path) -> None:
    message = refused("run", child(tmp_path, "bad", init), "--store", tmp_path / "s", *INLINE)
    assert "row:ID" in message


def test_merge_keeps_the_parents_of_rows(family: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    merge_stores([family], into, command="test")
    assert verify_store(into) == []
    assert sparsest("replay", id_of(into, "grandchild"), "--store", into).code == 0
