"""The mean cost of a task's experiments: sampled once, though it is asked for three times."""

from __future__ import annotations

from orchestrator.planning.estimate import mean_cost
from search.indices import IndexSet
from search.study import Study

SAMPLE = 16
"""Experiments of a task whose mean cost is taken for all of them."""

REMEMBERED = 10_000
"""Tasks whose cost is kept; it is forgotten when they have come back, or when they are too old."""


class TaskCosts:
    """Means of `workers.cost.experiment_cost`."""

    def __init__(self) -> None:
        self._means: dict[tuple[str, IndexSet], float] = {}

    def mean(self, study: Study, indices: IndexSet) -> float:
        """The mean cost of some experiments, by a sample of them where it is not known."""
        known = self._means.get((study.digest, indices))
        return mean_cost(study, indices, SAMPLE) if known is None else known

    def remember(self, study: Study, indices: IndexSet, mean: float) -> None:
        """Keeps the mean cost of a task."""
        self._means[study.digest, indices] = mean
        if len(self._means) > REMEMBERED:
            del self._means[next(iter(self._means))]

    def forget(self, study: Study, indices: IndexSet) -> None:
        """Drops what is kept of a task."""
        self._means.pop((study.digest, indices), None)
