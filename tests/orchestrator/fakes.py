"""Fakes of the executor, store, monitor and stop request that the driver loop uses."""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pyarrow as pa

from orchestrator.executor import Done, Failed, Outcome, Returned, TimeLimit
from orchestrator.job import Job
from orchestrator.stopping import StopRequest
from orchestrator.worker_kinds import DEFAULT_KIND, WorkerCounts, WorkerKind
from search.experiment import Experiment
from search.grid import Table
from search.id_set import IdSet
from search.indices import IndexSet
from search.study import Study
from workers.task import Task, failed_rows


def small_study(count: int, name: str = "small") -> Study:
    """Return a study of `count` different experiments."""
    rows = tuple((0.001 * (n + 1),) for n in range(count))
    base = Experiment(structure=(1, 1, 1), epochs=1)
    return Study(name, "for tests", Table(("lr",), rows), base)


def rows_of(task: Task) -> pa.RecordBatch:
    """Return rows of a task's experiments with an invented outcome."""
    return failed_rows(task, "invented", "fake")


class FakeExecutor:
    """Returns jobs at once, in the order of submission.

    `fails` returns the reason why a job fails, or None.
    """

    def __init__(
        self, fails: Callable[[Job], str | None] = lambda job: None, workers: int = 2
    ) -> None:
        self.workers = workers
        self.worker_counts = WorkerCounts({DEFAULT_KIND: workers})
        self.seen: list[Job] = []
        self.most_in_flight = 0
        self._fails = fails
        self._waiting: deque[Job] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    def vacancies(self) -> list[WorkerKind]:
        return [DEFAULT_KIND] * (2 * self.workers - len(self._waiting))

    def submit(self, job: Job, kind: WorkerKind) -> None:
        self.seen.append(job)
        self._waiting.append(job)
        self.most_in_flight = max(self.most_in_flight, len(self._waiting))

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        job = self._waiting.popleft()
        reason = self._fails(job)
        return [Done(job, rows_of(job.task), 0.01) if reason is None else Failed(job, reason)]

    def withdraw(self) -> list[Job]:
        kept = [self._waiting.popleft()] if self._waiting else []
        withdrawn = list(self._waiting)
        self._waiting = deque(kept)
        return withdrawn


class LeavingExecutor(FakeExecutor):
    """Loses its machine with each job for which `leaves` returns True, started or not."""

    def __init__(self, leaves: Callable[[Job], bool], *, started: bool = True) -> None:
        super().__init__()
        self.count: Counter[IndexSet] = Counter()
        self._leaves = leaves
        self._started = started

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        job = self._waiting[0]
        self.count[job.task.indices] += 1
        if self._leaves(job):
            self._waiting.popleft()
            return [Returned(job, "its node has left", self._started)]
        return super().wait(timeout_s, time_limit_s)


class AbsentExecutor(FakeExecutor):
    """Has no workers two times out of three."""

    def __init__(self) -> None:
        super().__init__()
        self._checks = 0

    def vacancies(self) -> list[WorkerKind]:
        self._checks += 1
        return super().vacancies() if self._checks % 3 == 0 else []

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        return super().wait(timeout_s, time_limit_s) if self._waiting else []


class SimulatedWorkers(FakeExecutor):
    """Workers that train their jobs in order, a second each, in simulated time.

    One with an experiment for which `hangs` returns True is killed when its time limit is over,
    and another one starts. `now_s` is the simulated time in seconds.
    """

    def __init__(self, hangs: Callable[[int], bool], workers: int) -> None:
        super().__init__(workers=workers)
        self.now_s = 0.0
        self._hangs = hangs
        self._jobs: list[deque[Job]] = [deque() for _ in range(workers)]
        self._since = [0.0] * workers

    @property
    def in_flight(self) -> int:
        return sum(map(len, self._jobs))

    def vacancies(self) -> list[WorkerKind]:
        return [DEFAULT_KIND] * (2 * self.workers - self.in_flight)

    def submit(self, job: Job, kind: WorkerKind) -> None:
        worker = min(range(self.workers), key=lambda number: len(self._jobs[number]))
        if not self._jobs[worker]:
            self._since[worker] = self.now_s
        self._jobs[worker].append(job)

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        ends = {}
        for worker, jobs in enumerate(self._jobs):
            if jobs:
                hangs = any(map(self._hangs, jobs[0].task.indices))
                duration_s = time_limit_s(jobs[0], DEFAULT_KIND) if hangs else 1.0
                ends[worker] = (self._since[worker] + duration_s, hangs)
        worker = min(ends, key=lambda number: ends[number])
        self.now_s, killed = ends[worker]
        self._since[worker] = self.now_s
        job = self._jobs[worker].popleft()
        if not killed:
            return [Done(job, rows_of(job.task), 1.0)]
        others, self._jobs[worker] = self._jobs[worker], deque()
        returned = [Returned(other, "its worker was killed", started=False) for other in others]
        return [Failed(job, "it took too long"), *returned]


class FakeStore:
    """Holds rows in memory; refuses rows that it has, as the real writer does."""

    def __init__(self) -> None:
        self.indices: dict[str, IndexSet] = {}
        self.statuses: list[str] = []
        self.reasons: dict[int, str] = {}

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        before = self.indices.get(study_digest, IndexSet())
        assert not before & indices, "an experiment was trained twice"
        assert batch.column("study_index").to_pylist() == list(indices)
        self.indices[study_digest] = before | indices
        self.statuses += batch.column("status").to_pylist()
        for row in batch.select(["study_index", "reason"]).to_pylist():
            self.reasons[row["study_index"]] = row["reason"]
        return 0

    def poll(self) -> int:
        return 0

    def stored(self, study_digest: str) -> IndexSet:
        return self.indices.get(study_digest, IndexSet())

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        return IdSet()


class SilentMonitor:
    """Keeps the notes and shows nothing."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def rows(self, batch: pa.RecordBatch) -> None:
        return None

    def tick(self) -> None:
        return None

    def note(self, text: str) -> None:
        self.notes.append(text)


class StopAfter(StopRequest):
    """A request to stop that comes after it has been checked `checks` times; None for never."""

    def __init__(self, checks: int | None = None) -> None:
        super().__init__(lambda: None)
        self._checks = checks

    @property
    def requested(self) -> bool:
        if self._checks is None:
            return False
        self._checks -= 1
        return self._checks < 0


class LateStop(StopRequest):
    """A request to stop that comes when a sweep has just ended."""

    def __exit__(self, *error: object) -> None:
        self.received = signal.SIGINT
        super().__exit__(*error)
