"""Tasks, cut from a plan one at a time and sized so that each lasts a few seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from orchestrator.estimate import SAMPLE as STUDY_SAMPLE
from orchestrator.estimate import mean_cost
from orchestrator.plan import PlannedStudy
from search.indices import IndexSet
from search.study import Study
from workers.task import Task

TASK_SECONDS = 6.0
"""What a task should last. Long enough that a task holds many experiments of each data order (the
shuffle and the gather are shared by them), short enough to stop or lose one without regret."""

FIRST_COST = 1e6
"""Cost (`workers.cost`) of the first task, when nobody knows yet how long a unit takes: about 256
networks of 7x3x3."""

SAMPLE = 16
"""Experiments of a task whose mean cost is taken for all of them."""

SMALLEST_TASK = 32
"""Below this, handing out work costs more than an evenly shared end of the sweep gains."""

LARGEST_TASK = 8192
"""Experiments of a task at most: a worker holds all of their rows at once."""

MEMORY = 0.5
"""Weight of the newest task in the running mean of seconds a unit of cost."""


class TaskSource:
    """Cuts tasks off a plan in its order; tasks that failed go first.

    Args:
        plan: what remains to be trained.
        sweep_id: goes into every task.
        limit: cut off no more experiments than that.
        workers: at the end, what remains is shared evenly among so many.
        curves: goes into every task.
        packages: so do these, package -> version.
    """

    def __init__(
        self,
        plan: Sequence[PlannedStudy],
        sweep_id: str,
        limit: int | None,
        workers: int,
        *,
        curves: bool = False,
        packages: Mapping[str, str] | None = None,
    ) -> None:
        self._waiting = deque((p.study, p.remaining) for p in plan if p.remaining)
        self._again: deque[Task] = deque()
        self._sweep_id = sweep_id
        self._workers = workers
        self._curves = curves
        self._packages = tuple((packages or {}).items())
        self._seconds_a_cost: float | None = None
        total = sum(len(remaining) for _, remaining in self._waiting)
        self._left = total if limit is None else min(limit, total)
        self._cost = sum(mean_cost(s, r, STUDY_SAMPLE) * len(r) for s, r in self._waiting)
        self._cost *= self._left / max(1, total)
        self._cost_done = 0.0

    @property
    def left(self) -> int:
        """Experiments that have not been handed out, or that came back."""
        return self._left + sum(len(task.indices) for task in self._again)

    @property
    def work_left(self) -> float:
        """Share of the cost of all tasks that has not come back, from 0 to 1, by samples."""
        if self.left == 0 and self._cost_done == 0:
            return 0.0
        return max(0.0, 1 - self._cost_done / self._cost)

    def next(self) -> Task | None:
        """The next task, or None when everything has been handed out."""
        if self._again:
            return self._again.popleft()
        if self._left == 0:
            return None
        study, remaining = self._waiting.popleft()
        indices, rest = self._cut(study, remaining)
        if rest:
            self._waiting.appendleft((study, rest))
        self._left -= len(indices)
        return Task(study, indices, self._sweep_id, curves=self._curves, packages=self._packages)

    def observe(self, task: Task, busy_s: float) -> None:
        """Learns from a finished task how long a unit of cost takes."""
        cost = mean_cost(task.study, task.indices, SAMPLE) * len(task.indices)
        self._cost_done += cost
        newest = busy_s / cost
        before = newest if self._seconds_a_cost is None else self._seconds_a_cost
        self._seconds_a_cost = before + MEMORY * (newest - before)

    def put_back(self, task: Task) -> None:
        """Hands out the task again, before any other."""
        self._again.append(task)

    def _cut(self, study: Study, remaining: IndexSet) -> tuple[IndexSet, IndexSet]:
        """A task's indices, and the others.

        A study's experiments can be ten thousand times dearer than their neighbours (a dense
        width of 256 beside one of 3), so the cost of those that would be taken is sampled, and
        fewer are taken until it fits.
        """
        even_share = -(-self._left // (2 * self._workers))
        most = min(max(even_share, SMALLEST_TASK), self._left, len(remaining), LARGEST_TASK)
        wanted = FIRST_COST if self._seconds_a_cost is None else TASK_SECONDS / self._seconds_a_cost
        count = most
        while True:
            indices, rest = remaining.take(count)
            fitting = max(1, int(wanted / mean_cost(study, indices, SAMPLE)))
            if fitting >= count:
                return indices, rest
            # Half at most, so that dear ones among those left out do not make the task too small.
            count = max(fitting, count // 2)


def halves(indices: IndexSet) -> tuple[IndexSet, IndexSet]:
    """The smaller and the larger half of at least two indices."""
    return indices.take(len(indices) // 2)
