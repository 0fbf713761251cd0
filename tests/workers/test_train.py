"""The rows of `train_batch` describe the networks that they contain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analysis.row_network import network_from_row
from pruning.connectivity import Connectivity, effective_mask
from pruning.functional_sparsity import FunctionalSparsity, count_active_points
from pruning.protocol import Batch, Batches, MaskSchedule, Pruned, Snapshot
from pruning.registry import algorithm, pruning_before
from search.experiment import Experiment
from search.layers import Layers
from search.methods import METHODS
from search.schema import PRUNABLE_FROM
from workers import train
from workers.datasets import load_dataset
from workers.train import train_batch

EXPERIMENTS = [
    Experiment(structure=(9, 5, 4), epochs=2),
    Experiment(structure=(16, 16, 16), epochs=4),
    Experiment(structure=(3, 3, 3), masks=("00|00|00",), epochs=1),
    Experiment(structure=(3, 3, 3), masks=("11|11|11", "000|000|000"), epochs=1),
    Experiment(structure=(3, 3, 3), lr=1e9, epochs=1),
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return list(train_batch(EXPERIMENTS).to_pylist())


def test_connectivity_describes_the_network_of_the_row(rows: list[dict[str, Any]]) -> None:
    for row in rows[:-1]:
        layers = network_from_row(row).layers()
        found = Connectivity.of([weight for weight, _ in layers], [bias for _, bias in layers])
        assert row["connection"] == found.connection
        assert (row["status"] == "ok") == (found.connection == "path")
        assert row["effective_nnz"] == found.effective_nnz
        assert row["disconnected_nnz"] == found.disconnected_nnz
        assert row["layer_nnz"] == list(found.layer_nnz)
        assert row["used_neurons"] == list(found.used_neurons)


def test_functional_sparsity_describes_the_network_of_the_row(rows: list[dict[str, Any]]) -> None:
    points = load_dataset("cubist-spiral").points
    for row in rows[:-1]:
        layers = network_from_row(row).layers()
        active = count_active_points(layers, points)
        effective = effective_mask([weight for weight, _ in layers])
        found = FunctionalSparsity.of(effective, active, len(points))
        assert {name: row[name] for name in vars(found)} == vars(found)
    assert any(row["dead_neurons"] for row in rows[:-1])


def test_network_that_is_constant_through_biases_is_labelled_bias_only(
    rows: list[dict[str, Any]],
) -> None:
    assert [row["connection"] for row in rows] == ["path", "path", "bias-only", "bias-only", None]
    assert rows[2]["layer_nnz"] == [0, 9, 9, 3]


def test_only_accurate_networks_have_prunable_counts(rows: list[dict[str, Any]]) -> None:
    accurate = [row["accuracy"] is not None and row["accuracy"] >= PRUNABLE_FROM for row in rows]
    assert [row["prunable_own"] is not None for row in rows] == accurate
    assert any(accurate)
    assert not all(accurate)


def test_diverged_network_has_no_connectivity(rows: list[dict[str, Any]]) -> None:
    row = rows[-1]
    assert row["status"] == "diverged"
    for name in ("layer_nnz", "used_neurons", "connection", "disconnected_nnz", "live_nnz"):
        assert row[name] is None


@pytest.mark.parametrize("method", ["search", "snip", "lth"])
def test_curve_ends_with_the_final_measurement(method: str) -> None:
    experiment = (
        Experiment(structure=(4, 3, 3), epochs=2)
        if method == "search"
        else Experiment(method=method, width=5, target_nnz=20, epochs=2)
    )
    (plain,) = train_batch([experiment]).to_pylist()
    (row,) = train_batch([experiment], curves=True).to_pylist()
    assert plain["epoch_loss"] is plain["epoch_accuracy"] is None
    epochs = 10 if method == "lth" else 2
    assert len(row["epoch_loss"]) == len(row["epoch_accuracy"]) == epochs
    assert row["epoch_accuracy"][-1] == pytest.approx(row["accuracy"], rel=1e-6)
    assert row["epoch_loss"][-1] == pytest.approx(row["loss"], rel=1e-6)
    for name in set(row) - {"train_ms", "epoch_loss", "epoch_accuracy"}:
        assert row[name] == plain[name]


@pytest.mark.parametrize("method", ["search", "snip", "lth", "elimination"])
def test_train_ms_leaves_out_compilation(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All trainers take the time from `running_time`, which leaves it out."""
    monkeypatch.setattr("search.compilation.time.perf_counter", lambda: 1.0)
    target = None if method == "search" else 15
    experiment = Experiment(method=method, width=3, epochs=1, target_nnz=target)
    assert train_batch([experiment]).to_pylist()[0]["train_ms"] == 0


def test_methods_that_change_masks_are_trained_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = train.Backend("gpu", train.backend_for("cpu").train)
    cpu = train.backend_for("cpu")
    monkeypatch.setattr(train, "backend_for", lambda device: cpu if device == "cpu" else gpu)
    experiments = [
        Experiment(structure=(2, 2, 2), epochs=1),
        Experiment(method="lth", width=3, target_nnz=15, epochs=1),
        Experiment(method="snip", width=3, target_nnz=15, epochs=1),
    ]
    rows = train_batch(experiments, device="cuda").to_pylist()
    assert [row["backend"] for row in rows] == ["gpu", cpu.name, "gpu"]
    assert [row["method"] for row in rows] == ["search", "lth", "snip"]


def test_row_has_what_methods_store_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    snip, gmp = pruning_before(METHODS["snip"]), algorithm(METHODS["gmp"])

    def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
        return replace(snip(experiment, layers, batches), extras={"scores": 3})

    class Schedule:
        def __init__(self, schedule: MaskSchedule) -> None:
            self._schedule = schedule
            self.start = replace(schedule.start, extras={"first": 0, "last": 0})
            self.rounds, self.changes = schedule.rounds, schedule.changes
            self.takes_step = schedule.takes_step

        def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
            return replace(self._schedule.change(step, network, batch), extras={"last": step})

    def begin(*args: Any) -> MaskSchedule:
        return Schedule(gmp(*args))

    monkeypatch.setattr("workers.start.pruning_before", lambda method: prune)
    monkeypatch.setattr("workers.mask_schedule.algorithm", lambda *_: begin)
    experiments = [
        Experiment(method=method, width=4, target_nnz=20, epochs=1) for method in ("snip", "gmp")
    ]
    before, during = train_batch(experiments).to_pylist()
    assert json.loads(before["extras"]) == {"scores": 3}
    assert json.loads(during["extras"]) == {"first": 0, "last": 389}
    assert (before["steps"], during["steps"]) == (390, 390)
    assert before["edge_updates"] == 390 * len(before["weights"])
    assert 390 * 18 < during["edge_updates"] < 390 * 44
