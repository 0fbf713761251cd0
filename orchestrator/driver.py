"""The driver loop: hands out tasks, stores the rows that come back, and splits tasks that fail."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from orchestrator.errors import UserError
from orchestrator.executor import Done, Executor, Failed, Returned
from orchestrator.job import ATTEMPTS, Job
from orchestrator.stopping import StopRequest
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from orchestrator.worker_kinds import WorkerKind
from search.indices import IndexSet
from workers.task import failed_rows

logger = logging.getLogger(__name__)

WAIT_S = 0.5
"""Seconds to wait for a task before the clock and requests to stop are checked again."""

MAX_LOSSES = 4
"""Number of times that a task is lost with its machine before it counts as the cause."""

MAX_INITIAL_FAILURES = 6
"""Consecutive failed experiments, before any has succeeded, after which the run aborts."""

MAX_CONSECUTIVE_FAILURES = 60
"""The same after the first success: the machine is at fault, not the experiments. A full disk must
not fill the store with failed rows, which are not tried again."""


class Sink(Protocol):
    """The part of the store's writer that the loop uses."""

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Take rows; return how many have become durable."""

    def poll(self) -> int:
        """Make rows durable if they have waited long enough; return how many."""


class Monitor(Protocol):
    """An observer of the loop; the counts are in the loop's tally."""

    def rows(self, batch: pa.RecordBatch) -> None:
        """Receive rows that have come back."""

    def tick(self) -> None:
        """Note that the loop has done another round."""

    def note(self, text: str) -> None:
        """Receive a message for the user."""


def drive(
    scheduler: TaskScheduler,
    executor: Executor,
    sink: Sink,
    monitor: Monitor,
    stop: StopRequest,
    tally: Tally | None = None,
) -> Tally:
    """Train everything that the scheduler hands out, and return the tally.

    A task that fails is split until the experiment at fault is isolated. That experiment is tried
    `ATTEMPTS` times and then recorded with status "failed". When asked to stop, the loop takes back
    the tasks that no worker has started, waits for the others and returns.

    Raises:
        UserError: nothing can be trained here, or no longer.
    """
    tally = Tally(scheduler.left) if tally is None else tally
    _Loop(scheduler, executor, sink, monitor, tally).run(stop)
    return tally


@dataclass
class _Loop:
    _scheduler: TaskScheduler
    _executor: Executor
    _sink: Sink
    _monitor: Monitor
    _tally: Tally
    _consecutive_failures: int = 0

    def run(self, stop: StopRequest) -> None:
        while True:
            if stop.requested:
                for job in self._executor.withdraw():
                    self._scheduler.put_back(job)
            else:
                self._hand_out()
            if not self._executor.in_flight and (stop.requested or not self._scheduler.left):
                self._tally.interrupted = self._scheduler.left > 0
                return
            for outcome in self._executor.wait(WAIT_S, self._scheduler.time_limit_s):
                if isinstance(outcome, Done):
                    self._consecutive_failures = 0
                    self._scheduler.finish(outcome.job, outcome.busy_s, outcome.kind)
                    self._tally.busy_s += outcome.busy_s
                    self._store(outcome.job, outcome.rows)
                elif isinstance(outcome, Returned):
                    self._take_back(outcome)
                else:
                    self._isolate(outcome)
            self._sink.poll()
            self._tally.work_left = self._scheduler.work_left
            self._monitor.tick()

    def _hand_out(self) -> None:
        """Give every worker as much as it can take."""
        without_work: set[WorkerKind] = set()
        while True:
            vacancies = [k for k in self._executor.vacancies() if k not in without_work]
            if not vacancies:
                return
            counts = self._executor.worker_counts
            for kind in vacancies:
                job = None if kind in without_work else self._scheduler.next(kind, counts)
                if job is None:
                    without_work.add(kind)
                else:
                    self._executor.submit(job, kind)

    def _take_back(self, returned: Returned) -> None:
        """Hand a job out again that is not at fault, unless it was lost too often."""
        job, reason = returned.job, returned.reason
        if returned.started and job.losses + 1 >= MAX_LOSSES:
            self._isolate(Failed(job, f"its machine was lost {MAX_LOSSES} times: {reason}"))
            return
        logger.info("%s: handed out again, %s", job, reason)
        self._scheduler.put_back(replace(job, losses=job.losses + returned.started))

    def _isolate(self, failed: Failed) -> None:
        """Split a failed job, try a single experiment again, or record it as failed."""
        job, reason = failed.job, failed.reason
        logger.warning("%s failed: %s", job, reason)
        if len(job.task.indices) > 1:
            # Does not count against the machine: one bad experiment in 100 can fail every task.
            self._scheduler.split(job)
            return
        self._abort_after_too_many_failures(failed)
        if job.failures + 1 < ATTEMPTS:
            self._scheduler.retry(job)
            return
        self._monitor.note(f"{job} failed {ATTEMPTS} times and is recorded as failed: {reason}")
        self._scheduler.give_up(job)
        self._store(job, failed_rows(job.task, reason, failed.kind.backend))

    def _abort_after_too_many_failures(self, failed: Failed) -> None:
        self._consecutive_failures += failed.job.failures == 0
        limit = MAX_CONSECUTIVE_FAILURES if self._tally.trained else MAX_INITIAL_FAILURES
        if self._consecutive_failures >= limit:
            raise UserError(
                f"{self._consecutive_failures} experiments failed one after the other, the last "
                f"one with: {failed.reason}. The log beside the store has the details. The rows "
                "that came back before are stored; once the cause is removed, the same command "
                "resumes"
            )

    def _store(self, job: Job, rows: pa.RecordBatch) -> None:
        study = job.task.study
        self._sink.append(rows, study.digest, study.name, job.task.indices)
        self._tally.add_rows(rows)
        self._monitor.rows(rows)
