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
    """

    task: Task
    rows: pa.RecordBatch
    busy_s: float


@dataclass(frozen=True)
class Failed:
    """A task that gave no rows.

    Attributes:
        task: what was asked for.
        reason: what happened, in words.
    """

    task: Task
    reason: str


Outcome = Done | Failed


class Executor(Protocol):
    """Trains tasks. Every submitted task comes back once, from `wait` or from `withdraw`."""

    @property
    def workers(self) -> int:
        """Number of workers that train at the same time."""

    @property
    def capacity(self) -> int:
        """Number of tasks that it is useful to have submitted: each worker's, and its next."""

    @property
    def in_flight(self) -> int:
        """Number of tasks submitted and not yet come back."""

    @property
    def backend(self) -> str:
        """What the rows' column `backend` will say."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def submit(self, task: Task) -> None:
        """Hands over a task; returns at once."""

    def wait(self, timeout_s: float) -> list[Outcome]:
        """What has come back since the last call; waits for the first, `timeout_s` at most."""

    def withdraw(self) -> list[Task]:
        """Takes back the tasks that no worker has begun; their rows will not come."""


class InlineExecutor:
    """Trains in this process, one task at a time: to debug, and where Ray is not wanted."""

    workers = 1
    capacity = 1

    def __init__(self, inits: Mapping[str, StoredInit], device: Device) -> None:
        self.backend = backend_for(device).name
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

    def submit(self, task: Task) -> None:
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
            return [Failed(task, f"{type(error).__name__}: {error}")]
        return [Done(task, rows, time.perf_counter() - start)]

    def withdraw(self) -> list[Task]:
        """Takes back the tasks that no `wait` has begun."""
        tasks = list(self._waiting)
        self._waiting.clear()
        return tasks
