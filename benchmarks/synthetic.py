"""Sweeps of synthetic rows, produced as fast as possible to load the driver and the store."""

from __future__ import annotations

import resource
import secrets
import time
from io import StringIO
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from rich.console import Console

from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import FewestWeights
from orchestrator.driver import drive
from orchestrator.executor import Done, InlineExecutor, Outcome, TimeLimit
from orchestrator.planning.plan import PlannedStudy
from orchestrator.stopping import StopRequest
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from orchestrator.worker_kinds import DEFAULT_KIND, WorkerCounts, WorkerKind
from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from search.study import Study
from storage.log.entries import SweepBegin
from storage.log.sweep_info import describe_sweep
from workers.task import Task, run_task


class SyntheticRows:
    """Copies of a few trained rows of a study, the templates, with new ids and indices."""

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


def benchmark_sweep(study: Study) -> SweepBegin:
    """Return the log entry of a sweep of one study that starts now."""
    names = [study.name]
    return describe_sweep(command="benchmark", studies=names, device="cpu", workers=64, root_seed=0)


def with_random_values(
    rows: pa.RecordBatch, name: str, draw: np.random.Generator
) -> pa.RecordBatch:
    """Return rows with random values, which do not compress, in the lists of a column."""
    index = rows.schema.get_field_index(name)
    column = rows.column(index)
    values = pa.array(draw.normal(size=len(column.values)).astype(np.float32))
    lists = pa.ListArray.from_arrays(column.offsets, values, type=column.type)
    return rows.set_column(index, rows.schema.field(index), lists)


class InstantExecutor(InlineExecutor):
    """An executor of 64 workers that answers every task immediately with synthetic rows."""

    workers = 64

    def __init__(self, rows: SyntheticRows) -> None:
        super().__init__({}, "cpu")
        self.worker_counts = WorkerCounts({DEFAULT_KIND: self.workers})
        self._rows = rows

    def vacancies(self) -> list[WorkerKind]:
        """Offer two jobs per worker."""
        return [DEFAULT_KIND] * (2 * self.workers - len(self._waiting))

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        """Return the rows of the oldest job."""
        job = self._waiting.popleft()
        return [Done(job, self._rows.rows(job.task), 6.0)]


class _Timed:
    """A proxy that adds up the time spent in an object's methods."""

    def __init__(self, inner: Any) -> None:
        self.seconds = 0.0
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def timed(*words: Any) -> Any:
            start = time.perf_counter()
            try:
                return found(*words)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


def drive_instantly(
    planned: PlannedStudy, sweep_id: str, executor: InstantExecutor, sink: Any
) -> dict[str, float]:
    """Drive a sweep; return its experiments, its seconds by part and its memory in MB."""
    scheduler: Any = _Timed(TaskScheduler([planned], sweep_id, None))
    tally = Tally(scheduler.left)
    display: Any = _Timed(ProgressDisplay(Console(file=StringIO()), tally, FewestWeights()))
    store: Any = _Timed(sink)
    before = psutil.Process().memory_info().rss / 1e6
    start, processor = time.perf_counter(), time.process_time()
    drive(scheduler, executor, store, display, StopRequest(lambda: None), tally)
    sink.commit()
    return {
        "experiments": tally.total,
        "wall, s": time.perf_counter() - start,
        "processor, s": time.process_time() - processor,
        "scheduler, s": scheduler.seconds,
        "store, s": store.seconds,
        "display, s": display.seconds,
        "memory before, MB": before,
        "peak, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
