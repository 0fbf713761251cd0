"""The interface between the driver loop and what trains, and the executor in this process."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import pyarrow as pa

from orchestrator.errors import describe_error
from orchestrator.job import Job
from orchestrator.worker_kinds import DEFAULT_KIND, WorkerCounts, WorkerKind
from search.layers import StoredInit
from workers.task import run_task
from workers.train import Device, backend_for

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A job with its rows, of `search.schema.RESULT_SCHEMA`, and the worker's seconds for it."""

    job: Job
    rows: pa.RecordBatch
    busy_s: float
    kind: WorkerKind = DEFAULT_KIND


@dataclass(frozen=True)
class Failed:
    """A job that gave no rows, and why."""

    job: Job
    reason: str
    kind: WorkerKind = DEFAULT_KIND


@dataclass(frozen=True)
class Returned:
    """A job that came back untrained and that is not known to be at fault.

    If it was `started`, it may have been in training when its machine was lost. If that happens
    repeatedly, it may be the cause.
    """

    job: Job
    reason: str
    started: bool


Outcome = Done | Failed | Returned

TimeLimit = Callable[[Job, WorkerKind], float]
"""Seconds that a worker of a kind may take for a job."""


class Executor(Protocol):
    """Trains jobs. Every submitted job comes back once, from `wait` or from `withdraw`."""

    @property
    def workers(self) -> int:
        """Number of workers; if they come and go, the most that there were at one time."""

    @property
    def worker_counts(self) -> WorkerCounts:
        """The workers at this moment."""

    @property
    def in_flight(self) -> int:
        """Number of jobs that were submitted and have not come back."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: Any, error: Any, traceback: Any, /) -> None: ...

    def vacancies(self) -> list[WorkerKind]:
        """Return the kind of each worker that can take another job, the idle ones first."""

    def submit(self, job: Job, kind: WorkerKind) -> None:
        """Hand a job to a worker of a kind that `vacancies` has named; return at once."""

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        """Return what has come back since the last call.

        Args:
            timeout_s: maximum seconds to wait for the first.
            time_limit_s: when a worker is to be killed, where that is possible.
        """

    def withdraw(self) -> list[Job]:
        """Take back the jobs that no worker has started; they do not come back from `wait`."""


class InlineExecutor:
    """Trains in this process, one job at a time: for small runs and to debug.

    It cannot end a job that takes too long. Stored initialisations are by token. If it `raises`,
    `wait` raises what a job raises, instead of returning it as `Failed`.
    """

    workers = 1

    def __init__(
        self, inits: Mapping[str, StoredInit], device: Device, *, raises: bool = False
    ) -> None:
        self._kind = WorkerKind(device, backend_for(device).name)
        self.worker_counts = WorkerCounts({self._kind: 1}, frozenset({device}))
        self._inits = inits
        self._device = device
        self._raises = raises
        self._waiting: deque[Job] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._waiting.clear()

    @property
    def in_flight(self) -> int:
        """Number of jobs that were submitted and have not come back."""
        return len(self._waiting)

    def vacancies(self) -> list[WorkerKind]:
        """Return one kind while no job waits, and none otherwise."""
        return [] if self._waiting else [self._kind]

    def submit(self, job: Job, kind: WorkerKind) -> None:
        """Keep the job for the next `wait`."""
        self._waiting.append(job)

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        """Train the next job, however long it takes."""
        if not self._waiting:
            return []
        job = self._waiting.popleft()
        start = time.perf_counter()
        try:
            rows = run_task(job.task, self._inits, self._device)
        except (Exception, SystemExit) as error:  # whatever a plug-in raises is recorded in a row
            if self._raises:
                raise
            logger.warning("a task failed", exc_info=True)
            return [Failed(job, describe_error(error), self._kind)]
        return [Done(job, rows, time.perf_counter() - start, self._kind)]

    def withdraw(self) -> list[Job]:
        """Take back the jobs that no `wait` has started."""
        jobs = list(self._waiting)
        self._waiting.clear()
        return jobs
