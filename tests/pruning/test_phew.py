"""PHEW compared with a slow version, and the probabilities of its walks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from pruning.connectivity import effective_mask
from pruning.phew import _walk, prune
from pruning.protocol import Pruned
from search.experiment import Experiment
from search.layers import Layers
from search.structure import Structure
from workers.initial import starting_network

Edge = tuple[int, int, int]
"""Layer, target neuron and source."""


def experiment_of(structure: str, target: int, replicate: int = 0) -> Experiment:
    whole, width = Structure.parse(structure).as_whole
    return Experiment(
        method="phew", structure=whole, width=width, target_nnz=target, replicate=replicate
    )


def pruned_of(experiment: Experiment, layers: Layers) -> Pruned:
    return prune(experiment, layers, iter(()))


def slow_phew(experiment: Experiment, layers: Layers) -> set[Edge]:
    """Return the kept weights, by exact fractions."""
    assert experiment.target_nnz is not None
    bits = np.random.PCG64(experiment.seed("phew"))
    sizes = [layers[0][0].shape[1], *(len(bias) for _, bias in layers)]
    kept: set[Edge] = set()
    walk = 0
    while len(kept) < experiment.target_nnz:
        ends = sizes[0] if walk % 2 == 0 else sizes[-1]
        path = [(walk // 2) % ends]
        numbers = list(range(len(layers)))
        for layer in numbers if walk % 2 == 0 else reversed(numbers):
            here = path[-1]
            weight = layers[layer][0]
            options = weight[:, here] if walk % 2 == 0 else weight[here]
            masses = [abs(Fraction(float(option))) for option in options]
            left = Fraction(int(bits.random_raw()) >> 11, 2**53) * sum(masses)
            choice = 0
            while left >= masses[choice]:
                left -= masses[choice]
                choice += 1
            path.append(choice)
            kept.add((layer, choice, here) if walk % 2 == 0 else (layer, here, choice))
        walk += 1
    return kept


def edges(pruned: Pruned) -> set[Edge]:
    return {
        (layer, int(target), int(source))
        for layer, mask in enumerate(pruned.weight_masks)
        for target, source in zip(*np.nonzero(mask), strict=True)
    }


@pytest.mark.parametrize(
    ("structure", "target"),
    [("3x3x3", 20), ("8x8x8", 30), ("16x16x16", 40), ("5", 7), ("9x4x6x5x7", 60)],
)
@pytest.mark.parametrize("replicate", [0, 1])
def test_walks_agree_with_the_slow_algorithm(structure: str, target: int, replicate: int) -> None:
    experiment = experiment_of(structure, target, replicate)
    layers = starting_network(experiment, {})
    pruned = pruned_of(experiment, layers)
    assert edges(pruned) == slow_phew(experiment, layers)
    kept = sum(int(mask.sum()) for mask in pruned.weight_masks)
    assert target <= kept < target + len(layers)
    for mask, effective in zip(
        pruned.weight_masks, effective_mask(pruned.weight_masks), strict=True
    ):
        np.testing.assert_array_equal(mask, effective)


def test_walk_prefers_large_weights() -> None:
    numbers = iter([0.0, 0.24, 0.25, 0.5, 0.99999])
    walk = _walk(np.array([[1.0, 0.0, 3.0, 0.0]]), lambda: next(numbers))
    assert [walk(0) for _ in range(5)] == [0, 0, 2, 2, 2]


def test_neuron_without_weights_continues_anywhere() -> None:
    numbers = iter([0.1, 0.6])
    walk = _walk(np.zeros((1, 2)), lambda: next(numbers))
    assert [walk(0) for _ in range(2)] == [0, 1]


def test_several_outputs_take_turns() -> None:
    rng = np.random.default_rng(0)
    layers = [
        (rng.normal(size=(n_out, n_in)).astype(np.float32), np.zeros(n_out, np.float32))
        for n_in, n_out in ((4, 6), (6, 3))
    ]
    experiment = experiment_of("6", 16)
    assert edges(pruned_of(experiment, layers)) == slow_phew(experiment, layers)


def test_unreachable_weights_end_the_walks() -> None:
    experiment = experiment_of("3x3x3", 20)
    layers = starting_network(experiment, {})
    for weight, _ in layers:
        weight[:] = np.eye(*weight.shape)
    # From the second input the walk ends in the second neuron of the last layer, whose only weight
    # is zero; it continues to the output, and backward the output leads to the first neuron.
    pairs = [(layer, neuron, neuron) for layer in range(3) for neuron in range(2)]
    assert edges(pruned_of(experiment, layers)) == {*pairs, (3, 0, 0), (3, 0, 1)}
