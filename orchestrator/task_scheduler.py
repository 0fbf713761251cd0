"""Division of a plan into tasks, one at a time, each sized to last a few seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestrator.job import Job
from orchestrator.planning.estimate import SAMPLE as STUDY_SAMPLE
from orchestrator.planning.estimate import mean_cost, spread
from orchestrator.planning.plan import PlannedStudy
from orchestrator.worker_kinds import Speeds, WorkerCounts, WorkerKind
from search.dataset_files import held_file, is_file_dataset
from search.indices import IndexSet
from search.layers import StoredInit
from search.study import Study
from workers.task import Task
from workers.train import needs_cpu

TASK_SECONDS = 6.0
"""Target duration of a task. Long enough for many experiments of each data order, which share the
shuffle and the gathering of batches; short enough that waiting for one or losing one costs little.
"""

FIRST_TASK_COST = 1e6
"""Cost (`workers.cost`) of a task while the speed is unknown: about 256 networks of 7x3x3."""

SMALLEST_TASK = 32
"""Minimum number of experiments in a task, except for the last one of a study. Handing out smaller
ones costs more than an evenly shared end of the sweep gains."""

LARGEST_TASK = 8192
"""Maximum number of experiments in a task: a worker holds all of their rows at once."""

TASK_SAMPLE = 16
"""Experiments of a task whose mean cost is taken for all of them."""

MAX_OVERSAMPLING = 1.25
"""Maximum ratio of the experiments that a cost was sampled from to those that are taken."""

INTERVALS_PER_CUT = 2048
"""Number of intervals of a study from which tasks are cut at a time. Every cut copies the rest, and
a study can have as many gaps as stored rows."""

MAX_DEFERRED = 4 * LARGEST_TASK
"""Maximum number of experiments kept for CPU workers while work for other devices is searched."""

PROBES = 64
"""Number of experiments, evenly spread over the rest, that are examined to find one for any device.
"""

PARTS_PER_SPLIT = 32
"""Number of parts a failed task is split into. With 32, one bad experiment in 500 is isolated in
two rounds; each costs a worker's start, or a time limit if the experiment hangs."""


class TaskScheduler:
    """Cuts tasks off a plan in its order.

    Jobs that come back untrained alternate with new ones, so that a sweep makes progress while it
    isolates bad experiments, and shows that not everything fails.

    Args:
        plan: the experiments to train.
        sweep_id: id of the sweep, for the rows.
        limit: maximum number of experiments to train; None for all.
        curves: measure every training after each epoch too.
        packages: version of each package whose plug-ins are used.
        parents: networks of other rows that experiments start from, by token.
        work_left: value of the property, if the plan is a small part of some work; None to
            estimate it.
    """

    def __init__(
        self,
        plan: Sequence[PlannedStudy],
        sweep_id: str,
        limit: int | None,
        *,
        curves: bool = False,
        packages: Mapping[str, str] | None = None,
        parents: Mapping[str, StoredInit] | None = None,
        work_left: float | None = None,
    ) -> None:
        left = [(p.study, p.remaining) for p in plan if p.remaining]
        self._waiting = deque((s, piece) for s, r in left for piece in r.pieces(INTERVALS_PER_CUT))
        self._deferred: deque[tuple[Study, IndexSet]] = deque()
        self._returned: deque[Job] = deque()
        self._returned_is_next = True
        self._sweep_id = sweep_id
        self._curves = curves
        self._packages = tuple((packages or {}).items())
        self._parents = parents or {}
        self._given_work_left = work_left
        self._speeds = Speeds()
        self._last_mean: float | None = None
        self._failures_before_success = 0
        total = sum(len(remaining) for _, remaining in left)
        self._left = total if limit is None else min(limit, total)
        self._cost = sum(mean_cost(s, r, STUDY_SAMPLE) * len(r) for s, r in left)
        self._cost *= self._left / max(1, total)
        self._cost_done = 0.0

    @property
    def left(self) -> int:
        """Experiments that have not been handed out, or that came back untrained."""
        return self._left + sum(len(job.task.indices) for job in self._returned)

    @property
    def work_left(self) -> float:
        """Estimated fraction of the total cost that is not done, from 0 to 1."""
        if self._given_work_left is not None:
            return self._given_work_left
        if not self._cost:
            return 0.0
        return max(0.0, 1 - self._cost_done / self._cost)

    def next(self, kind: WorkerKind, counts: WorkerCounts) -> Job | None:
        """Return the next job for a worker of a kind; None if there is nothing left for it.

        All workers (`counts`) share the end of the sweep evenly. If there are CPU workers, workers
        of other devices get nothing that only the CPU can train.
        """
        any_device = kind.device != "cpu" and "cpu" in counts.devices
        job = self._next_returned(any_device=any_device)
        if job is not None:
            return job
        if self._left == 0:
            return None
        share = self._speeds.share(kind, counts)
        if any_device:
            return self._next_for_any_device(kind, share)
        queue = self._deferred or self._waiting
        study, remaining = queue.popleft()
        indices, rest, mean = self._cut(study, remaining, kind, share)
        if rest:
            queue.appendleft((study, rest))
        return self._job(study, indices, mean)

    def finish(self, job: Job, busy_s: float, kind: WorkerKind) -> None:
        """Learn from a finished job how long a unit of cost takes a kind of worker."""
        self._cost_done += job.cost
        self._speeds.observe(kind, busy_s / job.cost)

    def give_up(self, job: Job) -> None:
        """Count a job as done that has been recorded as failed."""
        self._cost_done += job.cost

    def time_limit_s(self, job: Job, kind: WorkerKind) -> float:
        """Return the seconds that a worker of this kind may take for a job."""
        speed = self._speeds.seconds_per_cost(kind)
        return job.time_limit_s(speed, self._failures_before_success)

    def put_back(self, job: Job) -> None:
        """Queue a job again that is not known to be at fault, before those that are tried again.

        The next worker of a hanging experiment would hold it up again.
        """
        self._returned.appendleft(job)

    def retry(self, job: Job) -> None:
        """Queue a failed job again, after the others that came back."""
        self._failures_before_success += 1
        self._returned.append(replace(job, failures=job.failures + 1, suspect=True, losses=0))

    def split(self, job: Job) -> None:
        """Queue the parts of a failed job before other jobs, so that few are split at a time."""
        self._failures_before_success += 1
        study = job.task.study
        for indices in reversed(parts(job.task.indices, PARTS_PER_SPLIT)):
            cost = mean_cost(study, indices, TASK_SAMPLE) * len(indices)
            self._returned.appendleft(Job(self._task(study, indices), cost, suspect=True))

    def _task(self, study: Study, indices: IndexSet) -> Task:
        tokens = {study[index].init for index in indices} if study.parents else set()
        parents = {token: self._parents[token] for token in tokens & self._parents.keys()}
        files = map(held_file, sorted(filter(is_file_dataset, study.values("dataset"))))
        return Task(
            study, indices, self._sweep_id, self._curves, self._packages, parents, tuple(files)
        )

    def _job(self, study: Study, indices: IndexSet, mean: float) -> Job:
        self._left -= len(indices)
        return Job(self._task(study, indices), mean * len(indices))

    def _next_returned(self, *, any_device: bool) -> Job | None:
        """Return a job that came back, if it is the turn of one."""
        self._returned_is_next = not self._returned_is_next
        if not self._returned or (self._returned_is_next and self._left):
            return None
        if not any_device:
            return self._returned.popleft()
        for position, job in enumerate(self._returned):
            study, indices = job.task.study, job.task.indices
            if not self._curves and _for_any_device(study, indices) == indices:
                del self._returned[position]
                return job
        return None

    def _next_for_any_device(self, kind: WorkerKind, share: float) -> Job | None:
        """Cut a job without experiments that only the CPU trains; these are deferred.

        At most `MAX_DEFERRED` are, which bounds the time and memory of the search.
        """
        if self._curves:
            return None
        job = None
        for position, (study, remaining) in enumerate(self._waiting):
            suitable, rest = self._suitable(study, remaining, kind, share)
            self._waiting[position] = (study, rest)
            if suitable:
                job = self._job(study, suitable, mean_cost(study, suitable, TASK_SAMPLE))
                break
        self._waiting = deque((study, rest) for study, rest in self._waiting if rest)
        return job

    def _suitable(
        self, study: Study, remaining: IndexSet, kind: WorkerKind, share: float
    ) -> tuple[IndexSet, IndexSet]:
        """Return indices of experiments for any device, empty if there are none, and the rest."""
        while sum(len(deferred) for _, deferred in self._deferred) < MAX_DEFERRED:
            first = _first_for_any_device(study, remaining)
            if first is None:
                break
            before, rest = remaining.split(first)
            cut, rest, _ = self._cut(study, rest, kind, share)
            suitable = _for_any_device(study, cut)
            if cut - suitable:
                self._deferred.append((study, cut - suitable))
            remaining = before | rest
            if suitable:
                return suitable, remaining
        return IndexSet(), remaining

    def _cut(
        self, study: Study, remaining: IndexSet, kind: WorkerKind, share: float
    ) -> tuple[IndexSet, IndexSet, float]:
        """Return the indices of a task, the other indices, and the task's mean cost.

        A study's experiments can cost ten thousand times as much as their neighbours (a dense
        width of 256 beside one of 3). So the cost of a candidate task is sampled, and the task is
        made smaller until it fits.
        """
        speed = self._speeds.seconds_per_cost(kind)
        # The first tasks of a short run are small: one hanging experiment delays few others.
        smallest = 1 if speed is None else SMALLEST_TASK
        # Experiments share data orders in a task, so one worker gets a search's round as a whole.
        parts = 1 if self._given_work_left is not None else 2
        fair_share = -(-int(self._left * share) // parts)
        most = min(max(fair_share, smallest), self._left, len(remaining), LARGEST_TASK)
        wanted = FIRST_TASK_COST if speed is None else TASK_SECONDS / speed
        count = most
        if self._last_mean is not None:
            # Neighbours cost about the same, so one sample is mostly enough.
            count = min(most, max(1, int(MAX_OVERSAMPLING * int(wanted / self._last_mean))))
        while True:
            mean = mean_cost(study, remaining.take(count)[0], TASK_SAMPLE)
            affordable = max(1, int(wanted / mean))
            if MAX_OVERSAMPLING * affordable >= count:
                break
            # Half at most: expensive experiments among those left out must not make it too small.
            count = max(affordable, count // 2)
        self._last_mean = mean
        indices, rest = remaining.take(min(count, affordable))
        return indices, rest, mean


def parts(indices: IndexSet, count: int) -> list[IndexSet]:
    """Return up to `count` nearly equal parts of some indices, none of them empty."""
    result = []
    for left in range(min(count, len(indices)), 0, -1):
        part, indices = indices.take(-(-len(indices) // left))
        result.append(part)
    return result


def _first_for_any_device(study: Study, indices: IndexSet) -> int | None:
    """Return an index from which to look for experiments for any device.

    It is the first such experiment among the `PROBES` examined ones; None if there is none.
    """
    if not indices:
        return None
    first = indices.intervals[0][0]
    looked_at = [first, *spread(indices, min(PROBES, len(indices)))]
    return next((index for index in looked_at if not needs_cpu(study[index])), None)


def _for_any_device(study: Study, indices: IndexSet) -> IndexSet:
    """Return the indices whose experiments any device can train; every experiment is examined."""
    return IndexSet.from_indices(index for index in indices if not needs_cpu(study[index]))
