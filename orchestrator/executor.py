"""What the driver loop needs of whatever trains: one protocol, and the executor in this process."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from orchestrator.worker_pool import DEFAULT_KIND, WorkerCounts, WorkerKind
from workers.initial import StoredInit
from workers.task import Task, run_task
from workers.train import Device, backend_for

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A task's rows.

    Attributes:
        task: what was asked for.
        rows: a record batch of `search.schema.RESULT_SCHEMA`.
        busy_s: wall-clock seconds that the worker spent on it.
        kind: of the worker.
    """

    task: Task
    rows: pa.RecordBatch
    busy_s: float
    kind: WorkerKind = DEFAULT_KIND


@dataclass(frozen=True)
class Failed:
    """A task that gave no rows.

    Attributes:
        task: what was asked for.
        reason: what happened, in words.
        kind: of the worker.
    """

    task: Task
    reason: str
    kind: WorkerKind = DEFAULT_KIND


@dataclass(frozen=True)
class Returned:
    """A task that came back untrained, through no fault of its own as far as anybody can tell.

    Attributes:
        task: what was asked for.
        reason: what happened, in words.
        begun: whether it may have been in training when its machine was lost: then, if it is lost
            again and again, it may be what takes machines down.
    """

    task: Task
    reason: str
    begun: bool


Outcome = Done | Failed | Returned


class Executor(Protocol):
    """Trains tasks. Every submitted task comes back once, from `wait` or from `withdraw`."""

    @property
    def workers(self) -> int:
        """Number of workers; where they come and go, the most that there have been at a time."""

    @property
    def worker_counts(self) -> WorkerCounts:
        """The workers that there are now."""

    @property
    def in_flight(self) -> int:
        """Number of tasks submitted and not yet come back."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def vacancies(self) -> list[WorkerKind]:
        """The kind of each worker that it is useful to give another task, the idle ones first."""

    def submit(self, task: Task, kind: WorkerKind, limit_s: float) -> None:
        """Hands a task to a worker of a kind that `vacancies` has named; returns at once.

        Args:
            task: what to train.
            kind: of the worker.
            limit_s: seconds from its beginning after which it is given up, where that is possible.
        """

    def wait(self, timeout_s: float) -> list[Outcome]:
        """What has come back since the last call; waits for the first, `timeout_s` at most."""

    def withdraw(self) -> list[Task]:
        """Takes back the tasks that no worker has begun; their rows will not come."""


class InlineExecutor:
    """Trains in this process, one task at a time: to debug, and where Ray is not wanted.

    It cannot give up a task that takes too long.
    """

    workers = 1

    def __init__(self, inits: Mapping[str, StoredInit], device: Device) -> None:
        self._kind = WorkerKind(device, backend_for(device).name)
        self.worker_counts = WorkerCounts({self._kind: 1}, frozenset({device}))
        self._inits = inits
        self._device = device
        self._waiting: deque[Task] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._waiting.clear()

    @property
    def in_flight(self) -> int:
        """Number of tasks submitted and not yet come back."""
        return len(self._waiting)

    def vacancies(self) -> list[WorkerKind]:
        """One, as long as nothing waits."""
        return [] if self._waiting else [self._kind]

    def submit(self, task: Task, kind: WorkerKind, limit_s: float) -> None:
        """Keeps the task for the next `wait`."""
        self._waiting.append(task)

    def wait(self, timeout_s: float) -> list[Outcome]:
        """Trains the next task, however long it takes."""
        if not self._waiting:
            return []
        task = self._waiting.popleft()
        start = time.perf_counter()
        try:
            rows = run_task(task, self._inits, self._device)
        except Exception as error:  # whatever it is, it belongs into a row, not on the floor
            logger.warning("a task failed", exc_info=True)
            return [Failed(task, f"{type(error).__name__}: {error}", self._kind)]
        return [Done(task, rows, time.perf_counter() - start, self._kind)]

    def withdraw(self) -> list[Task]:
        """Takes back the tasks that no `wait` has begun."""
        tasks = list(self._waiting)
        self._waiting.clear()
        return tasks
