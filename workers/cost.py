"""Relative cost of a training, the basis of task sizes and estimates."""

from __future__ import annotations

from math import inf, sqrt

from pruning.registry import stages_of
from search.datasets import CUBIST_SPIRAL
from search.experiment import Experiment
from search.layers import MaskArrays, count_kept
from search.methods import method_named
from search.schema import PRUNABLE_UP_TO
from workers.datasets import load_dataset

STEP_COST = 12.0
"""Fixed cost of a step of a network that shares its data order, in units of one weight. Fitted to
3x2x2, 3x3x3 and 7x3x3 of `python -m benchmarks kernel`, with AVX2."""

SHARED_STEP = 2.0
"""Additional cost of a step in the tasks of a sweep, where 5 to 15 networks share a data order."""

LONE_STEP = 70.0
"""Additional cost of a step of a network that shares its data order with no other, as is usual for
pruned networks: it pays alone for shuffling the points and gathering its batches."""

GROWTH = 0.0014
"""Relative increase of the cost of a weight per square root of the number of weights, since the
activations of wide networks do not stay in the caches."""

PRODUCT_STEP = 5200.0
"""Fixed cost of a step of matrix products, in units of one weight of the sparse kernel. Like
`PRODUCT_WEIGHT` and `GROWTH`, fitted to `python -m benchmarks crossover` on an AMD EPYC, AVX2."""

PRODUCT_WEIGHT = 0.84
"""Cost of a weight in a matrix product, masked or not, in the same unit."""

COUNTING = 0.034
"""Cost of counting the weights that a trained network could lose (`workers.prunability`), divided
by the square of its number of weights: mean over the dense networks of phase1 with at least 100
weights."""

EFFECTIVE_TRIES = 10
"""Number of budgets that a search for an effective one tries (`pruning.effective_budget`): mean of
the six methods at widths 8, 16 and 64 and targets 20 to 57."""

_RULE_WEIGHT = 0.5
_RULE_STEP = 4000.0
"""The constants of `prefers_matrices`. They decide bits of rows and must never change, unlike the
costs above, which may be measured again."""

POINTS = CUBIST_SPIRAL.points
"""Number of points of the Cubist Spiral. The unit of cost is one weight for one epoch over them."""

UNIT_MS = 0.0045
"""Milliseconds per unit of cost on an AMD EPYC with AVX2, as calibrated by `sparsest plan`. It
converts `Method.cost`, which was measured on such a machine, into costs
(docs/decisions/0003-pruning-one-network-at-a-time.md)."""


def prefers_matrices(weight_masks: MaskArrays) -> bool:
    """Return whether matrix products train a network faster than the sparse kernel.

    The masks are bool [n_out, n_in] per layer. The rule is the same on every machine: the two round
    differently, and a row must not depend on the machine. Fitted by `python -m benchmarks
    crossover`.
    """
    edges = count_kept(weight_masks)
    return _matrices_pay(edges, sum(mask.size for mask in weight_masks))


def _matrices_pay(weights: float, dense: float) -> bool:
    return weights > _RULE_STEP + _RULE_WEIGHT * dense


def network_cost(weights: float) -> float:
    """Return the cost of a step of a small network that shares its data order."""
    return weights + STEP_COST


def step_cost(weights: float, dense: float = inf) -> float:
    """Return the cost of a step of the trainer that `prefers_matrices` chooses.

    `weights` are unmasked, `dense` are those of the whole network; infinite chooses the sparse
    kernel.
    """
    if _matrices_pay(weights, dense):
        return PRODUCT_STEP + PRODUCT_WEIGHT * dense
    return network_cost(weights * (1 + GROWTH * sqrt(weights)))


def explicit_mask_cost(
    weights: float, epochs: float, dense: float = inf, points: int = POINTS
) -> float:
    """Return the cost of a training with explicit masks, in a task of many.

    `weights` is the number of unmasked ones, or its mean over several networks; `dense` as for
    `step_cost`.
    """
    cost = (step_cost(weights, dense) + SHARED_STEP) * epochs
    if weights <= PRUNABLE_UP_TO:
        cost += COUNTING * weights**2
    return cost * points / POINTS


def experiment_cost(experiment: Experiment) -> float:
    """Return the cost of a training: its steps, its pruning, and the measurements for its row.

    A pruned network is assumed to have the number of weights that its method aims at.
    """
    method = method_named(experiment.method)
    dataset = load_dataset(experiment.dataset)
    dense = experiment.hidden.weights(dataset.features, dataset.outputs)
    if not method.chooses_masks:
        # Counted in the text: a driver asks for the cost of some thousand experiments a second.
        weights = dense - sum(mask.count("0") for mask in experiment.masks)
        return explicit_mask_cost(weights, experiment.epochs, dense, len(dataset))
    fixed_ms, ns_a_weight = method.cost
    prunings = EFFECTIVE_TRIES if ("budget", "effective") in experiment.hyperparameters else 1
    cost = prunings * (fixed_ms + ns_a_weight * dense / 1e6) / UNIT_MS
    epochs = experiment.epochs * len(dataset) / POINTS
    for rounds, weights in stages_of(experiment, dense):
        cost += (step_cost(weights, dense) + LONE_STEP) * rounds * epochs
    return cost
