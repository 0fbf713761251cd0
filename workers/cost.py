"""How dear a training is, relative to others: what task sizes and estimates are made from."""

from __future__ import annotations

from pruning.given import given_masks
from pruning.registry import method_named
from search.experiment import Experiment
from search.sizes import dense_weights

STEP_COST = 25.0
"""Cost of a step that does not depend on the network, in weights. Fitted by
`python -m benchmarks kernel`: time is proportional to weights + 25 for 3x2x2 up to 16x16x16."""

UNIT_MS = 0.0018
"""What a weight costs in an epoch, in ms, on the machine on which `Method.cost` was measured
(docs/decisions/0003-pruning-one-network-at-a-time.md)."""


def network_cost(weights: float) -> float:
    """Relative cost of a step of a network with so many unmasked weights, or of a mean one."""
    return weights + STEP_COST


def experiment_cost(experiment: Experiment, inputs: int = 2) -> float:
    """Relative cost of a whole training: `network_cost` times its epochs, and the pruning's own.

    A pruned network is taken to have `target_nnz` weights; few have others.

    Raises:
        ValueError: the method is unknown, or a given mask does not fit.
    """
    method = method_named(experiment.method)
    if method.prunes == "given":
        weights = sum(int(mask.sum()) for mask in given_masks(experiment, inputs))
        return network_cost(weights) * experiment.epochs
    dense = dense_weights(inputs, experiment.hidden)
    fixed_ms, ns_a_weight = method.cost
    prune_ms = fixed_ms + ns_a_weight * dense / 1e6
    left = dense if experiment.target_nnz is None else experiment.target_nnz
    return network_cost(left) * experiment.epochs + prune_ms / UNIT_MS
