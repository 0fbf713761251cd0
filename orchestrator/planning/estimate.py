"""The cost of a study in core-hours and bytes, from a sample of its experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.planning.calibration import Calibration
from orchestrator.planning.plan import PlannedStudy
from search.experiment import Experiment
from search.indices import IndexSet
from search.study import Study
from workers.cost import UNIT_MS, experiment_cost, explicit_mask_cost

SAMPLE = 400
"""Number of experiments, evenly spread over a study, whose mean cost is taken for all."""

ROW_BYTES = 220
"""Bytes of a stored row: 97 MB for the 445,824 of docs/results.md."""

ROW_S = 0.001
"""Seconds of a core that the row of a short training takes beside the training."""


class Estimate(NamedTuple):
    """The cost of training some experiments: hours of one core, and bytes of the stored rows."""

    core_hours: float
    bytes: int


def search_core_hours(networks: int, mean_weights: float, speed: Calibration) -> float:
    """Return the core-hours for training given masks once, for the paper's number of epochs."""
    cost = explicit_mask_cost(mean_weights, Experiment().epochs)
    return networks * cost * speed.seconds_per_cost / 3600


def estimate(study: Study, indices: IndexSet, speed: Calibration) -> Estimate:
    """Return the cost of training some experiments of a study on this machine."""
    total = len(indices)
    cost = total * mean_cost(study, indices, SAMPLE) if total else 0.0
    return Estimate(cost * speed.seconds_per_cost / 3600, total * ROW_BYTES)


def reference_seconds(planned: Sequence[PlannedStudy], limit: int | None) -> float:
    """Return the seconds of a run on one core of a reference processor, up to a limit."""
    cost = 0.0
    for item in planned:
        indices = item.remaining if limit is None else item.remaining.take(limit)[0]
        if indices:
            cost += mean_cost(item.study, indices, SAMPLE) * len(indices)
        if limit is not None:
            limit -= len(indices)
    return cost * UNIT_MS / 1000


def experiment_seconds(experiment: Experiment) -> float:
    """Return the seconds that a training and its row take on one core of a reference processor."""
    return experiment_cost(experiment) * UNIT_MS / 1000 + ROW_S


def mean_cost(study: Study, indices: IndexSet, sample: int) -> float:
    """Return the mean cost (`workers.cost`) of up to `sample` experiments, evenly spread."""
    chosen = spread(indices, min(sample, len(indices)))
    return sum(experiment_cost(study[index]) for index in chosen) / len(chosen)


def spread(indices: IndexSet, count: int) -> list[int]:
    """Return `count` of the indices, evenly spaced by rank."""
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
