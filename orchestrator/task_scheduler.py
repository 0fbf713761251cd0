"""Tasks, cut from a plan one at a time and sized so that each lasts a few seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from orchestrator.deadline import time_limit_s
from orchestrator.planning.estimate import SAMPLE as STUDY_SAMPLE
from orchestrator.planning.estimate import mean_cost
from orchestrator.planning.only_cpu import first_for_any, part_for_any
from orchestrator.planning.plan import PlannedStudy
from orchestrator.planning.task_costs import TaskCosts
from orchestrator.speeds import Speeds
from orchestrator.worker_pool import DEFAULT_KIND, WorkerCounts, WorkerKind
from search.indices import IndexSet
from search.study import Study
from workers.task import Task

TASK_SECONDS = 6.0
"""What a task should last. Long enough that a task holds many experiments of each data order (the
shuffle and the gather are shared by them), short enough to stop or lose one without regret."""

FIRST_COST = 1e6
"""Cost (`workers.cost`) of the first task, when nobody knows yet how long a unit takes: about 256
networks of 7x3x3."""

SMALLEST_TASK = 32
"""Below this, handing out work costs more than an evenly shared end of the sweep gains."""

LARGEST_TASK = 8192
"""Experiments of a task at most: a worker holds all of their rows at once."""

NEARLY = 1.25
"""Experiments of which a sample was taken, to those that are taken: at most so many to one."""

PIECE = 2048
"""Intervals of a study that are cut at a time: taking a task off copies the rest, and
there can be as many gaps as stored rows."""

LAID_ASIDE = 4 * LARGEST_TASK
"""Experiments that are kept for the CPU's workers at most while others look for theirs."""


class TaskScheduler:
    """Cuts tasks off a plan in its order.

    What came back untrained is handed out in turn with what is new: a sweep that meets a stretch of
    bad experiments goes on meanwhile, and shows that not everything is broken.

    Args:
        plan: what remains to be trained.
        sweep_id: goes into every task.
        limit: cut off no more experiments than that.
        workers: at the end, what remains is shared evenly among so many, unless `next` is told of a
            worker_counts.
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
        left = [(p.study, p.remaining) for p in plan if p.remaining]
        self._waiting = deque((s, piece) for s, r in left for piece in r.pieces(PIECE))
        self._for_cpu: deque[tuple[Study, IndexSet]] = deque()
        self._again: deque[Task] = deque()
        self._again_is_next = True
        self._sweep_id = sweep_id
        self._workers = workers
        self._curves = curves
        self._packages = tuple((packages or {}).items())
        self._speeds = Speeds()
        self._costs = TaskCosts()
        self._last_mean: float | None = None
        total = sum(len(remaining) for _, remaining in left)
        self._left = total if limit is None else min(limit, total)
        self._cost = sum(mean_cost(s, r, STUDY_SAMPLE) * len(r) for s, r in left)
        self._cost *= self._left / max(1, total)
        self._cost_done = 0.0

    @property
    def left(self) -> int:
        """Experiments that have not been handed out, or that came back."""
        return self._left + sum(len(task.indices) for task in self._again)

    @property
    def work_left(self) -> float:
        """Share of the cost of all tasks that has not come back, from 0 to 1, by samples."""
        if not self._cost:
            return 0.0
        return max(0.0, 1 - self._cost_done / self._cost)

    def next(
        self, kind: WorkerKind = DEFAULT_KIND, worker_counts: WorkerCounts | None = None
    ) -> Task | None:
        """The next task for a worker.

        Args:
            kind: of the worker.
            worker_counts: it and the others; None for as many as the constructor was told of.

        Returns:
            None when everything has been handed out, or everything that this worker should train:
            where there are CPU workers too, the others get nothing that the CPU must train.
        """
        choosy = (
            kind.device != "cpu" and worker_counts is not None and "cpu" in worker_counts.devices
        )
        share = (
            1 / self._workers if worker_counts is None else self._speeds.share(kind, worker_counts)
        )
        task = self._from_again(choosy=choosy)
        if task is not None:
            return task
        if self._left == 0:
            return None
        if choosy:
            return self._any_device_s(kind, share)
        queue = self._for_cpu or self._waiting
        study, remaining = queue.popleft()
        indices, rest = self._cut(study, remaining, kind, share)
        if rest:
            queue.appendleft((study, rest))
        return self._handed_out(study, indices)

    def observe(self, task: Task, busy_s: float, kind: WorkerKind = DEFAULT_KIND) -> None:
        """Learns from a finished task how long a unit of cost takes a kind of worker."""
        cost = self._costs.mean(task.study, task.indices) * len(task.indices)
        self._costs.forget(task.study, task.indices)
        self._cost_done += cost
        self._speeds.observe(kind, busy_s / cost)

    def limit_s(self, task: Task, kind: WorkerKind) -> float:
        """Seconds after which a worker of this kind that is still at the task is given up."""
        speed = self._speeds.seconds_a_cost(kind)
        expected_s = None
        if speed is not None:
            expected_s = speed * self._costs.mean(task.study, task.indices) * len(task.indices)
        return time_limit_s(expected_s, suspect=task.suspect)

    def put_back(self, task: Task) -> None:
        """Hands out the task again, after others that came back."""
        self._again.append(task)

    def put_back_first(self, task: Task) -> None:
        """Hands out the task again, before others that came back: so few lie around in parts."""
        self._again.appendleft(task)

    def _handed_out(self, study: Study, indices: IndexSet) -> Task:
        self._left -= len(indices)
        return Task(study, indices, self._sweep_id, curves=self._curves, packages=self._packages)

    def _from_again(self, *, choosy: bool) -> Task | None:
        """A task that came back, if it is the turn of one."""
        self._again_is_next = not self._again_is_next
        if not self._again or (self._again_is_next and self._left):
            return None
        if not choosy:
            return self._again.popleft()
        for place, task in enumerate(self._again):
            if not self._curves and part_for_any(task.study, task.indices) == task.indices:
                del self._again[place]
                return task
        return None

    def _any_device_s(self, kind: WorkerKind, share: float) -> Task | None:
        """A task without what the CPU must train, which is laid aside for the CPU's workers.

        At most as much as `LAID_ASIDE` is, so that looking takes bounded time and memory.
        """
        if self._curves:
            return None
        task = None
        for place, (study, remaining) in enumerate(self._waiting):
            suitable, rest = self._suitable(study, remaining, kind, share)
            self._waiting[place] = (study, rest)
            if suitable:
                task = self._handed_out(study, suitable)
                break
        self._waiting = deque((study, rest) for study, rest in self._waiting if rest)
        return task

    def _suitable(
        self, study: Study, remaining: IndexSet, kind: WorkerKind, share: float
    ) -> tuple[IndexSet, IndexSet]:
        """Indices of experiments for any device, if there are some, and what remains."""
        while sum(len(aside) for _, aside in self._for_cpu) < LAID_ASIDE:
            first = first_for_any(study, remaining)
            if first is None:
                break
            before, rest = remaining.split(first)
            cut, rest = self._cut(study, rest, kind, share)
            suitable = part_for_any(study, cut)
            if cut - suitable:
                self._for_cpu.append((study, cut - suitable))
            remaining = before | rest
            if suitable:
                return suitable, remaining
        return IndexSet(), remaining

    def _cut(
        self, study: Study, remaining: IndexSet, kind: WorkerKind, share: float
    ) -> tuple[IndexSet, IndexSet]:
        """A task's indices, and the others.

        A study's experiments can be ten thousand times dearer than their neighbours (a dense
        width of 256 beside one of 3), so the cost of those that would be taken is sampled, and
        fewer are taken until it fits.
        """
        fair_share = -(-int(self._left * share) // 2)
        most = min(max(fair_share, SMALLEST_TASK), self._left, len(remaining), LARGEST_TASK)
        speed = self._speeds.seconds_a_cost(kind)
        wanted = FIRST_COST if speed is None else TASK_SECONDS / speed
        count = most
        if self._last_mean is not None:
            # Neighbours cost about the same, so one sample is mostly enough.
            count = min(most, max(1, int(NEARLY * int(wanted / self._last_mean))))
        while True:
            mean = self._costs.mean(study, remaining.take(count)[0])
            fitting = max(1, int(wanted / mean))
            if NEARLY * fitting >= count:
                break
            # Half at most, so that dear ones among those left out do not make the task too small.
            count = max(fitting, count // 2)
        self._last_mean = mean
        indices, rest = remaining.take(min(count, fitting))
        self._costs.remember(study, indices, mean)
        return indices, rest


def parts(indices: IndexSet, count: int) -> list[IndexSet]:
    """So many nearly equal parts of some indices, or one for each where there are fewer."""
    result = []
    for left in range(min(count, len(indices)), 0, -1):
        part, indices = indices.take(-(-len(indices) // left))
        result.append(part)
    return result
