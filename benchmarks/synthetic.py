"""Synthetic rows, produced as fast as possible to load the driver and the store."""

from __future__ import annotations

import secrets
from collections import deque
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from orchestrator.executor import Done, Outcome, TimeLimit
from orchestrator.job import Job
from orchestrator.worker_pool import DEFAULT_KIND, WorkerCounts, WorkerKind
from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from search.study import Study
from workers.task import Task, run_task


class SyntheticRows:
    """Copies of a few trained rows with new ids and indices.

    Args:
        study: the study whose rows to imitate.
        templates: number of rows to train as templates.
    """

    def __init__(self, study: Study, templates: int = 256) -> None:
        task = Task(study, IndexSet.from_indices(study.sample(templates)), "synthetic")
        self._rows = run_task(task, {}, "cpu")

    def rows(self, task: Task) -> pa.RecordBatch:
        """Return one row of `RESULT_SCHEMA` for each experiment of a task."""
        indices = np.fromiter(task.indices, np.int64, len(task.indices))
        batch = self._rows.take(pa.array(indices % self._rows.num_rows))
        digits = secrets.token_hex(16 * len(indices))
        new = {
            "experiment_id": [digits[32 * n : 32 * n + 32] for n in range(len(indices))],
            "study": [task.study.name] * len(indices),
            "study_index": indices,
            "sweep_id": [task.sweep_id] * len(indices),
        }
        columns = [
            pa.array(new[field.name], field.type) if field.name in new else batch.column(field.name)
            for field in RESULT_SCHEMA
        ]
        return pa.RecordBatch.from_arrays(columns, schema=RESULT_SCHEMA)


class NeverStops:
    """A stop request that never comes."""

    requested = False


class InstantExecutor:
    """An executor that answers every task immediately with synthetic rows."""

    workers = 64
    worker_counts = WorkerCounts({DEFAULT_KIND: workers})

    def __init__(self, rows: SyntheticRows) -> None:
        self._rows = rows
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
        """Number of jobs submitted and not yet returned."""
        return len(self._waiting)

    def vacancies(self) -> list[WorkerKind]:
        """Offer two jobs per worker."""
        return [DEFAULT_KIND] * (2 * self.workers - len(self._waiting))

    def submit(self, job: Job, kind: WorkerKind) -> None:
        """Keep the job for the next `wait`."""
        self._waiting.append(job)

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        """Return the rows of the oldest job."""
        job = self._waiting.popleft()
        return [Done(job, self._rows.rows(job.task), 6.0)]

    def withdraw(self) -> list[Job]:
        """Return no jobs: all of them have started."""
        return []
