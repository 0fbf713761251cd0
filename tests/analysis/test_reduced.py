"""Networks of rows, pruned after training or without their dead parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from analysis.network import accuracy
from analysis.row_network import network_from_row, reduced_row
from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.train import train_batch

SPIRAL = load_dataset("cubist-spiral")
POINTS = torch.tensor(SPIRAL.points)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    experiments = [
        Experiment(structure=(12, 8, 9), lr=0.05, epochs=15),
        Experiment(structure=(7, 3, 3), lr=0.01, epochs=1),
    ]
    made: list[dict[str, Any]] = train_batch(experiments).to_pylist()
    assert made[0]["prunable_own"] > 0
    assert made[1]["prunable_own"] is None
    return made


def weights_in(row: Any) -> int:
    return sum(int((weight != 0).sum()) for weight, _ in network_from_row(row).layers())


def test_row_itself_is_returned_if_nothing_is_asked_for(rows: list[dict[str, Any]]) -> None:
    assert reduced_row(rows[0]) is rows[0]


def test_pruned_network_lacks_the_smallest_prunable_weights(rows: list[dict[str, Any]]) -> None:
    row = rows[0]
    reduced = reduced_row(row, pruned=True)
    assert weights_in(reduced) == row["weight_nnz"] - row["prunable_own"]
    lost = set(row["weights"]) - set(reduced["weights"].tolist())
    assert max(map(abs, lost)) <= np.abs(reduced["weights"]).min()
    assert reduced["biases"].tolist() == row["biases"]
    measured = accuracy(network_from_row(reduced), SPIRAL)
    assert measured == reduced["accuracy"] >= row["accuracy"] - 0.001


def test_count_that_a_row_lacks_is_computed(rows: list[dict[str, Any]]) -> None:
    without = {**rows[0], "prunable_own": None}
    assert weights_in(reduced_row(without, pruned=True)) == weights_in(
        reduced_row(rows[0], pruned=True)
    )


def test_live_network_has_the_same_logits(rows: list[dict[str, Any]]) -> None:
    assert any(row["live_nnz"] < row["weight_nnz"] for row in rows)
    for row in rows:
        reduced = reduced_row(row, live=True)
        assert weights_in(reduced) == row["live_nnz"]
        with torch.no_grad():
            torch.testing.assert_close(
                network_from_row(reduced)(POINTS), network_from_row(row)(POINTS)
            )


def test_pruned_live_network_has_no_more_weights_than_the_pruned_one(
    rows: list[dict[str, Any]],
) -> None:
    both = reduced_row(rows[0], pruned=True, live=True)
    assert weights_in(both) <= weights_in(reduced_row(rows[0], pruned=True))
    assert both["accuracy"] >= rows[0]["accuracy"] - 0.001


def test_pruning_a_network_of_low_accuracy_is_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=rows[1]["experiment_id"]):
        reduced_row(rows[1], pruned=True)


def test_test_accuracy_is_that_of_the_reduced_network() -> None:
    experiment = Experiment(method="gmp", dataset="digits-odd", width=8, target_nnz=300, epochs=20)
    (row,) = train_batch([experiment]).to_pylist()
    reduced = reduced_row(row, pruned=True)
    test = load_dataset("digits-odd").test
    assert test is not None
    assert reduced["test_accuracy"] == accuracy(network_from_row(reduced), test)
    assert reduced["test_accuracy"] != row["test_accuracy"]
