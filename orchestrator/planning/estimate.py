"""What a study would cost: core-hours and bytes, from a sample of its experiments."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.planning.calibration import Calibration
from search.experiment import Experiment
from search.indices import IndexSet
from search.study import Study
from workers.cost import experiment_cost, explicit_mask_cost

SAMPLE = 400
"""Experiments, evenly spread over what remains, whose mean cost is taken for all."""

ROW_BYTES = 220
"""Bytes of a stored row: 97 MB for the 445,824 of docs/results.md."""


@dataclass(frozen=True)
class Estimate:
    """What training some experiments takes.

    Attributes:
        core_hours: hours of one core.
        bytes: size of the stored rows.
    """

    core_hours: float
    bytes: int


def search_core_hours(networks: int, mean_weights: float, speed: Calibration) -> float:
    """Hours of one core for training given masks once, for the paper's number of epochs.

    Args:
        networks: how many.
        mean_weights: unmasked weights of one on average; costs are proportional.
        speed: seconds that a unit of cost takes here.
    """
    cost = explicit_mask_cost(mean_weights, Experiment().epochs)
    return networks * cost * speed.seconds_per_cost / 3600


def estimate(study: Study, indices: IndexSet, speed: Calibration) -> Estimate:
    """The cost of training the given experiments of a study on this machine.

    Args:
        study: whose experiments; its methods must be ones that can be trained.
        indices: which of them.
        speed: seconds that a unit of cost takes here.
    """
    total = len(indices)
    if total == 0:
        return Estimate(0.0, 0)
    mean = mean_cost(study, indices, SAMPLE)
    return Estimate(total * mean * speed.seconds_per_cost / 3600, total * ROW_BYTES)


def mean_cost(study: Study, indices: IndexSet, sample: int) -> float:
    """Mean cost (`workers.cost`) of so many of the experiments at most, evenly spread."""
    chosen = spread(indices, min(sample, len(indices)))
    return sum(experiment_cost(study[index]) for index in chosen) / len(chosen)


def spread(indices: IndexSet, count: int) -> list[int]:
    """`count` of the indices, evenly spaced by rank."""
    total = len(indices)
    ranks = iter([(2 * n + 1) * total // (2 * count) for n in range(count)])
    chosen: list[int] = []
    rank = next(ranks, None)
    before = 0
    for start, stop in indices.intervals:
        while rank is not None and rank < before + stop - start:
            chosen.append(start + rank - before)
            rank = next(ranks, None)
        before += stop - start
    return chosen
