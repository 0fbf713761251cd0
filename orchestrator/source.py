"""Tasks, cut from a plan one at a time and sized so that each lasts a few seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from orchestrator.plan import PlannedStudy
from search.indices import IndexSet
from workers.task import Task

TASK_SECONDS = 6.0
"""What a task should last. Long enough that a task holds many experiments of each data order (the
shuffle and the gather are shared by them), short enough to stop or lose one without regret."""

FIRST_TASK = 256
"""Experiments in a study's first task, when nobody knows yet how long they take."""

SMALLEST_TASK = 32
"""Below this, handing out work costs more than an evenly shared end of the sweep gains."""

MEMORY = 0.5
"""Weight of the newest task in the running mean of seconds an experiment."""


class TaskSource:
    """Cuts tasks off a plan in its order; tasks that failed go first.

    Args:
        plan: what remains to be trained.
        sweep_id: goes into every task.
        limit: cut off no more experiments than that.
        workers: at the end, what remains is shared evenly among so many.
    """

    def __init__(
        self, plan: Sequence[PlannedStudy], sweep_id: str, limit: int | None, workers: int
    ) -> None:
        self._waiting = deque((p.study, p.remaining) for p in plan if p.remaining)
        self._again: deque[Task] = deque()
        self._sweep_id = sweep_id
        self._workers = workers
        self._seconds_each: dict[str, float] = {}
        total = sum(len(remaining) for _, remaining in self._waiting)
        self._left = total if limit is None else min(limit, total)

    @property
    def left(self) -> int:
        """Experiments that have not been handed out, or that came back."""
        return self._left + sum(len(task.indices) for task in self._again)

    def next(self) -> Task | None:
        """The next task, or None when everything has been handed out."""
        if self._again:
            return self._again.popleft()
        if self._left == 0:
            return None
        study, remaining = self._waiting.popleft()
        indices, rest = remaining.take(min(self._size(study.digest), self._left))
        if rest:
            self._waiting.appendleft((study, rest))
        self._left -= len(indices)
        return Task(study, indices, self._sweep_id)

    def observe(self, task: Task, busy_s: float) -> None:
        """Learns from a finished task how long the study's experiments take."""
        each = busy_s / len(task.indices)
        before = self._seconds_each.get(task.study.digest, each)
        self._seconds_each[task.study.digest] = before + MEMORY * (each - before)

    def put_back(self, task: Task) -> None:
        """Hands out the task again, before any other."""
        self._again.append(task)

    def _size(self, digest: str) -> int:
        each = self._seconds_each.get(digest)
        wanted = FIRST_TASK if each is None else round(TASK_SECONDS / each)
        even_share = -(-self._left // (2 * self._workers))
        return max(1, min(wanted, max(even_share, SMALLEST_TASK)))


def halves(indices: IndexSet) -> tuple[IndexSet, IndexSet]:
    """The smaller and the larger half of at least two indices."""
    return indices.take(len(indices) // 2)
