"""Elimination of neurons compared with its slow version and with its definition."""

from __future__ import annotations

import numpy as np
import pytest

from pruning.neuron_elimination import NeuronNetwork, requests, stages
from search.experiment import Experiment
from search.structure import Structure
from tests.pruning.segments import compared
from tests.pruning.slow_elimination import SlowNetwork, slow_elimination
from tests.pruning.test_elimination import FEW, SAMPLE, SLOW_SAMPLE, sparse_network
from workers.train import train_batch


def experiment_of(structure: str, target: int, **settings: int) -> Experiment:
    whole, width = Structure.parse(structure).as_whole
    return Experiment(
        method="neuron-elimination",
        structure=whole,
        width=width,
        target_nnz=target,
        lr=0.1,
        batch_size=8,
        epochs=4,
        hyperparameters=tuple(sorted(settings.items())),
    )


@pytest.mark.parametrize(
    ("structure", "target", "exact_below"), [("4x4x4", 16, 22), ("9x5", 12, 20), ("3x3x3", 1, 9)]
)
def test_segments_agree_with_the_slow_algorithm(
    structure: str, target: int, exact_below: int
) -> None:
    experiment = experiment_of(structure, target, exact_below=exact_below, candidates=2)
    _, final = compared(requests, slow_elimination, experiment, FEW)
    # What is left is a dense network of fewer neurons, at least one in each layer.
    inputs = np.array([0, 1])
    for mask in final.weight_masks:
        outputs = np.flatnonzero(mask.any(axis=1))
        assert mask[np.ix_(outputs, inputs)].all()
        assert int(mask.sum()) == len(outputs) * len(inputs) > 0
        inputs = outputs
    kept = sum(int(mask.sum()) for mask in final.weight_masks)
    assert kept <= max(target, 2 + 1 + 1 + 1)


def test_single_weights_are_removed_at_last() -> None:
    experiment = experiment_of("4x4x4", 15, exact_below=22, candidates=2, weights_below=19)
    requested, final = compared(requests, slow_elimination, experiment, FEW)
    counts = [sum(int(m.sum()) for m in one.network.weight_masks) for one in requested]
    assert {19, 18, 17, 16} & set(counts)
    assert sum(int(mask.sum()) for mask in final.weight_masks) <= 15


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_saliency_is_the_loss_with_the_neuron_at_its_mean(seed: int, outputs: int) -> None:
    snapshot = sparse_network(seed, outputs)
    labels = SAMPLE[1] + np.arange(len(SAMPLE[1])) % 2 if outputs == 3 else SAMPLE[1]
    losses = NeuronNetwork(snapshot, (SAMPLE[0], labels))._activations().neuron_losses()
    assert [len(values) for values in losses] == [5, 4, 3]
    slow = SlowNetwork(snapshot, SLOW_SAMPLE[0], labels.tolist())
    for edges in slow.neurons():
        layer, _, neuron = edges[0]
        expected = slow.without(edges).loss()
        assert losses[layer - 1][neuron] == pytest.approx(expected, rel=1e-12)


def test_wide_network_is_eliminated() -> None:
    experiment = Experiment(
        method="neuron-elimination", width=40, target_nnz=40, lr=0.1, batch_size=128, epochs=1
    )
    (row,) = train_batch([experiment]).to_pylist()
    assert row["status"] == "ok"
    assert 40 / 1.5 < row["effective_nnz"] == row["weight_nnz"] <= 40


def test_stages_describe_the_training() -> None:
    found = stages(experiment_of("16x16x16", 20), 560)
    assert found[0] == (0.4, 560)
    assert found[-1] == (1.0, 20)
    weights = [left for _, left in found[:41]]
    assert weights == sorted(weights, reverse=True)
    # From 48 * sqrt(70 / 560) = 17 neurons to 48 * sqrt(20 / 560) = 9.
    assert len(found) == 1 + 40 + 8 + 1
    assert max(left for _, left in found[41:-1]) < 70
