from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from analysis.network import accuracy
from analysis.retrain import WeightsNotStored
from analysis.row_network import network_from_row
from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.reference import evaluate
from workers.train import train_batch

_EXPERIMENTS = [
    Experiment(structure=(7, 3, 3), epochs=2, lr=0.2),
    Experiment(structure=(3, 3, 3), masks=("10|01|11", "110|011|001"), epochs=2),
    Experiment(structure=(3, 2, 2), masks=("11|11|11", "000|000"), epochs=1),
    Experiment(structure=(4, 3), epochs=1),
    Experiment(width=5, epochs=1),
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = train_batch(_EXPERIMENTS).to_pylist()
    return made


@pytest.mark.parametrize("index", range(len(_EXPERIMENTS)))
def test_network_of_a_row_gives_the_recorded_accuracy(
    rows: list[dict[str, Any]], index: int
) -> None:
    row = rows[index]
    dataset = load_dataset(row["dataset"])
    network = network_from_row(row)
    # A point whose logit rounds to zero may fall on either side.
    assert accuracy(network, dataset) == pytest.approx(row["accuracy"], abs=2.5 / len(dataset))
    assert evaluate(network, dataset)[1] == pytest.approx(row["loss"], rel=1e-5)


@pytest.mark.parametrize("index", range(len(_EXPERIMENTS)))
def test_network_of_a_row_has_the_recorded_nonzeros(rows: list[dict[str, Any]], index: int) -> None:
    row = rows[index]
    layers = network_from_row(row).layers()
    weight_nnz = sum(int(np.count_nonzero(weight)) for weight, _ in layers)
    assert weight_nnz == row["weight_nnz"]
    assert weight_nnz + sum(int(np.count_nonzero(b)) for _, b in layers) == row["model_nnz"]
    assert [layers[0][0].shape[1], *(len(bias) for _, bias in layers)] == row["layers"]


def _row(**changes: object) -> dict[str, object]:
    """Return a 2-2-1 row; the first neuron's second weight and its bias are masked."""
    row: dict[str, object] = {
        "experiment_id": "0123456789abcdef0123",
        "status": "ok",
        "layers": [2, 2, 1],
        "weight_index": [0, 2, 3, 4, 5],
        "weights": [1.5, -2.0, 0.0, 3.0, 4.0],
        "bias_index": [1, 2],
        "biases": [0.25, -0.5],
    }
    return row | changes


def test_indices_count_row_by_row_through_all_layers() -> None:
    network = network_from_row(_row())
    (first, first_bias), (last, last_bias) = network.layers()
    assert first.tolist() == [[1.5, 0.0], [-2.0, 0.0]]
    assert first_bias.tolist() == [0.0, 0.25]
    assert last.tolist() == [[3.0, 4.0]]
    assert last_bias.tolist() == [-0.5]
    # relu(1.5 - 0 * 8) * 3 + relu(-2 + 0.25) * 4 - 0.5
    assert network(torch.tensor([[1.0, 8.0]])).tolist() == [4.0]


def test_kept_weight_of_zero_is_not_masked() -> None:
    network = network_from_row(_row())
    assert network.weight_masks[0].tolist() == [[True, False], [True, True]]
    assert network.bias_masks[0].tolist() == [False, True]
    assert network.bias_masks[1].tolist() == [True]


def test_arrays_are_accepted_like_lists() -> None:
    row = _row(
        layers=np.array([2, 2, 1], np.int32),
        weight_index=np.array([0, 2, 3, 4, 5], np.uint32),
        weights=np.array([1.5, -2.0, 0.0, 3.0, 4.0], np.float32),
        bias_index=np.array([1, 2], np.uint32),
        biases=np.array([0.25, -0.5], np.float32),
    )
    points = torch.tensor([[1.0, 8.0], [-3.0, 1.0]])
    assert torch.equal(network_from_row(row)(points), network_from_row(_row())(points))


def test_network_without_weights_is_constant() -> None:
    row = _row(weight_index=[], weights=[], bias_index=[2], biases=[-0.5])
    assert network_from_row(row)(torch.ones(3, 2)).tolist() == [-0.5] * 3


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_row_without_a_network_is_refused_with_its_status(status: str) -> None:
    row = _row(
        status=status, layers=[], weight_index=None, weights=None, bias_index=None, biases=None
    )
    with pytest.raises(ValueError, match=f"0123456789abcdef0123.*{status}"):
        network_from_row(row)


def test_unpublished_network_is_distinguished_from_a_failed_one() -> None:
    row = _row(weight_index=None, weights=None, bias_index=None, biases=None)
    with pytest.raises(WeightsNotStored, match=r"0123456789abcdef0123.*retrain=True"):
        network_from_row(row)


def test_row_that_lacks_columns_is_refused() -> None:
    row = {"experiment_id": "0123", "weight_nnz": 20, "biases": [0.5]}
    with pytest.raises(ValueError, match=r"layers, weight_index, weights, bias_index.*'0123'"):
        network_from_row(row)
    with pytest.raises(ValueError, match=r"store.network\(experiment_id\)"):
        network_from_row({"accuracy": 0.5})


@pytest.mark.parametrize(
    "changes",
    [
        {"weight_index": [0, 2, 3, 4, 6]},
        {"weight_index": [0, 2, 3, 4]},
        {"biases": [1.0, 2.0, 3.0]},
        {"bias_index": [1, 3]},
    ],
)
def test_parameters_that_do_not_fit_the_layers_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        network_from_row(_row(**changes))
