"""What `train_batch` says of a network, against the network in the same row."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.network import network_from_row
from pruning.connectivity import Connectivity
from search.experiment import Experiment
from search.schema import PRUNABLE_FROM
from workers import train
from workers.train import train_batch

EXPERIMENTS = [
    Experiment(structure=(9, 5, 4), epochs=2),
    Experiment(structure=(16, 16, 16), epochs=4),
    Experiment(structure=(3, 3, 3), masks=("00|00|00",), epochs=1),
    Experiment(structure=(3, 3, 3), masks=("11|11|11", "000|000|000"), epochs=1),
    Experiment(structure=(3, 3, 3), lr=1e9, epochs=1),
]


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    return list(train_batch(EXPERIMENTS).to_pylist())


def test_connectivity_is_that_of_the_row_s_own_network(made: list[dict[str, Any]]) -> None:
    for row in made[:-1]:
        layers = network_from_row(row).layers()
        found = Connectivity.of([weight for weight, _ in layers], [bias for _, bias in layers])
        assert row["connection"] == found.connection
        assert (row["status"] == "ok") == (found.connection == "path")
        assert row["effective_nnz"] == found.effective_nnz
        assert row["disconnected_nnz"] == found.disconnected_nnz
        assert row["layer_nnz"] == list(found.layer_nnz)
        assert row["used_neurons"] == list(found.used_neurons)


def test_constant_through_biases_is_told_apart(made: list[dict[str, Any]]) -> None:
    assert [row["connection"] for row in made] == ["path", "path", "bias-only", "bias-only", None]
    assert made[2]["layer_nnz"] == [0, 9, 9, 3]


def test_only_good_networks_say_what_could_go(made: list[dict[str, Any]]) -> None:
    good = [row["accuracy"] is not None and row["accuracy"] >= PRUNABLE_FROM for row in made]
    assert [row["prunable_own"] is not None for row in made] == good
    assert any(good)
    assert not all(good)


def test_diverged_network_says_nothing_of_its_connections(made: list[dict[str, Any]]) -> None:
    row = made[-1]
    assert row["status"] == "diverged"
    for name in ("layer_nnz", "used_neurons", "connection", "disconnected_nnz"):
        assert row[name] is None


@pytest.mark.parametrize("method", ["search", "snip", "lth"])
def test_curve_does_not_end_where_the_training_does(method: str) -> None:
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


def test_masks_that_change_are_sent_to_a_device_that_cannot_change_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = train.Backend("elsewhere", train.backend_for("cpu").train)
    here = train.backend_for("cpu")
    monkeypatch.setattr(train, "backend_for", lambda device: here if device == "cpu" else elsewhere)
    experiments = [
        Experiment(structure=(2, 2, 2), epochs=1),
        Experiment(method="lth", width=3, target_nnz=15, epochs=1),
        Experiment(method="snip", width=3, target_nnz=15, epochs=1),
    ]
    rows = train_batch(experiments, device="cuda").to_pylist()
    assert [row["backend"] for row in rows] == ["elsewhere", here.name, "elsewhere"]
    assert [row["method"] for row in rows] == ["search", "lth", "snip"]
