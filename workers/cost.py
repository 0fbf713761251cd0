"""How dear a training is, relative to others: what task sizes and estimates are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pruning.registry import method_named, stages_of
from search.experiment import Experiment
from search.sizes import dense_weights
from workers.datasets import load_dataset

STEP_COST = 25.0
"""Cost of a step that does not depend on the network, in weights. Fitted by
`python -m benchmarks kernel`: time is proportional to weights + 25 for 3x2x2 up to 16x16x16."""

MATRIX_WEIGHT = 0.5
"""Cost of a weight in a matrix product, in weights of the sparse kernel."""

MATRIX_STEP = 4000.0
"""Cost of a step of matrix products that does not depend on the network, in the same."""

POINTS = 49_982
"""Points of the Cubist Spiral: costs are of an epoch over it."""

UNIT_MS = 0.0018
"""What a weight costs in an epoch, in ms, on the machine on which `Method.cost` was measured
(docs/decisions/0003-pruning-one-network-at-a-time.md)."""


def prefers_matrices(weight_masks: Sequence[NDArray[np.bool_]]) -> bool:
    """Whether matrix products train a network faster than the sparse kernel.

    A fixed rule, the same on every machine, since the two do not round alike and a row must not
    depend on where it was trained. Fitted by `python -m benchmarks crossover`.

    Args:
        weight_masks: bool [n_out, n_in] a layer.
    """
    edges = sum(int(np.count_nonzero(mask)) for mask in weight_masks)
    return _matrices_pay(edges, sum(mask.size for mask in weight_masks))


def _matrices_pay(weights: int, dense: int) -> bool:
    return weights > MATRIX_STEP + MATRIX_WEIGHT * dense


def network_cost(weights: float) -> float:
    """Relative cost of a step of a network with so many unmasked weights, or of a mean one."""
    return weights + STEP_COST


def step_cost(weights: int, dense: int) -> float:
    """Relative cost of a step, whichever of the two trainers takes it.

    Args:
        weights: unmasked.
        dense: weights of the whole network.
    """
    if _matrices_pay(weights, dense):
        return MATRIX_STEP + MATRIX_WEIGHT * dense
    return network_cost(weights)


def experiment_cost(experiment: Experiment) -> float:
    """Relative cost of a whole training: `step_cost` times its epochs, and the pruning's own.

    A pruned network is taken to have the weights that its algorithm aims at; few have others.

    Raises:
        ValueError: the method or the data set is unknown.
    """
    method = method_named(experiment.method)
    dataset = load_dataset(experiment.dataset)
    inputs, epochs = dataset.features, experiment.epochs * len(dataset) / POINTS
    dense = dense_weights(inputs, experiment.hidden)
    if method.prunes == "given":
        # Counted in the text: a driver asks for the cost of some thousand experiments a second.
        weights = dense - sum(mask.count("0") for mask in experiment.masks)
        return step_cost(weights, dense) * epochs
    fixed_ms, ns_a_weight = method.cost
    cost = (fixed_ms + ns_a_weight * dense / 1e6) / UNIT_MS
    for rounds, weights in stages_of(experiment, dense):
        cost += step_cost(weights, dense) * rounds * epochs
    return cost
