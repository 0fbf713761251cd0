"""How dear a training is, relative to others: what task sizes and estimates are made from."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from pruning.registry import stages_of
from search.datasets import CUBIST_SPIRAL
from search.experiment import Experiment
from search.methods import method_named
from search.schema import PRUNABLE_UP_TO
from workers.datasets import load_dataset

STEP_COST = 12.0
"""Cost of a step that does not depend on the network, in weights, among networks that share a data
order. Fitted to 3x2x2, 3x3x3 and 7x3x3 of `python -m benchmarks kernel`, with AVX2."""

SHARED_STEP = 2.0
"""Cost of a step more in the tasks of a sweep, in which 5 to 15 networks share a data order."""

LONE_STEP = 70.0
"""Cost of a step more for a network that has its data order to itself, as nearly all have that are
pruned: nobody shares the shuffle and the gathering of its batches."""

GROWTH = 0.0014
"""By so much, times the root of their number, weights cost more: the activations of wide networks
do not stay in the caches."""

PRODUCT_STEP = 5200.0
"""Cost of a step of matrix products that does not depend on the network, in weights of the sparse
kernel. This, what follows and `GROWTH` are fitted to `python -m benchmarks crossover`, on an AMD
EPYC with AVX2."""

PRODUCT_WEIGHT = 0.84
"""Cost of a weight in a matrix product, kept or not, in the same."""

COUNTING = 0.034
"""Cost of counting how many weights a trained network could lose (`workers.prunability`), over its
weights squared: the mean of the dense networks of phase1 from 100 weights on, good ones or not."""

_RULE_WEIGHT = 0.5
_RULE_STEP = 4000.0
"""The two numbers of `prefers_matrices`, which bits hang on; what a step costs may be measured
anew."""

POINTS = CUBIST_SPIRAL.points
"""Points of the Cubist Spiral: costs are of an epoch over it."""

UNIT_MS = 0.0045
"""What a weight costs in an epoch, in ms, on an AMD EPYC with AVX2, as `sparsest plan` calibrates
itself: turns `Method.cost`, measured on such a machine, into costs
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


def _matrices_pay(weights: float, dense: float) -> bool:
    return weights > _RULE_STEP + _RULE_WEIGHT * dense


def network_cost(weights: float) -> float:
    """Relative cost of a step of a small network, beside others of its data order."""
    return weights + STEP_COST


def step_cost(weights: float, dense: float = inf) -> float:
    """Relative cost of a step, whichever of the two trainers takes it.

    Args:
        weights: unmasked.
        dense: weights of the whole network; where it is not known, the sparse kernel takes it.
    """
    if _matrices_pay(weights, dense):
        return PRODUCT_STEP + PRODUCT_WEIGHT * dense
    return network_cost(weights * (1 + GROWTH * sqrt(weights)))


def given_cost(weights: float, epochs: float, dense: float = inf) -> float:
    """Relative cost of a training under given masks, in a task of many.

    Args:
        weights: unmasked; or the mean of some networks.
        epochs: each over `POINTS` points.
        dense: as for `step_cost`.
    """
    cost = (step_cost(weights, dense) + SHARED_STEP) * epochs
    return cost + COUNTING * weights**2 if weights <= PRUNABLE_UP_TO else cost


def experiment_cost(experiment: Experiment) -> float:
    """Relative cost of a whole training: of its steps, the pruning's own, and the row's.

    A pruned network is taken to have the weights that its algorithm aims at; few have others.

    Raises:
        ValueError: the method or the data set is unknown.
    """
    method = method_named(experiment.method)
    dataset = load_dataset(experiment.dataset)
    inputs, epochs = dataset.features, experiment.epochs * len(dataset) / POINTS
    dense = experiment.hidden.weights(inputs)
    if not method.chooses_masks:
        # Counted in the text: a driver asks for the cost of some thousand experiments a second.
        weights = dense - sum(mask.count("0") for mask in experiment.masks)
        return given_cost(weights, epochs, dense)
    fixed_ms, ns_a_weight = method.cost
    cost = (fixed_ms + ns_a_weight * dense / 1e6) / UNIT_MS
    for rounds, weights in stages_of(experiment, dense):
        cost += (step_cost(weights, dense) + LONE_STEP) * rounds * epochs
    return cost
