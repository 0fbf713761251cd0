"""How dear a training is, relative to others: what task sizes and estimates are made from."""

from __future__ import annotations

from pruning.given import given_masks
from search.experiment import Experiment

STEP_COST = 20.0
"""Cost of a step that does not depend on the network, in weights. Fitted by
`python -m benchmarks kernel`: time is proportional to weights + 20 for 3x2x2 up to 16x16x16."""


def network_cost(weights: int) -> float:
    """Relative cost of a step of a network with so many unmasked weights."""
    return weights + STEP_COST


def experiment_cost(experiment: Experiment, inputs: int = 2) -> float:
    """Relative cost of a whole training: `network_cost` times its epochs."""
    weights = sum(int(mask.sum()) for mask in given_masks(experiment, inputs))
    return network_cost(weights) * experiment.epochs
