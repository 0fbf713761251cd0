"""The driver loop: hands out tasks, writes what comes back, and splits what fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.errors import UserError
from orchestrator.executor import Done, Executor, Failed, Returned
from orchestrator.task_scheduler import TaskScheduler, parts
from orchestrator.worker_pool import WorkerKind
from search.indices import IndexSet
from workers.task import Task, failed_rows

logger = logging.getLogger(__name__)

WAIT_S = 0.5
"""How long the loop waits for a task before it looks at the clock and the keyboard again."""

ATTEMPTS = 3
"""How often a single experiment is tried before its row says `failed`."""

PARTS = 32
"""So many parts a failed task is split into. The fault of one experiment in 500 is found in two
steps; each costs a worker's start, or a time limit where the fault is a hang."""

LOSSES = 4
"""How often a task may be lost together with its machine before it is taken to be the cause."""

HOPELESS_AT_FIRST = 6
"""So many experiments that fail alone before the first task that succeeds, and the fault is not
theirs."""

HOPELESS_IN_A_ROW = 60
"""So many in a row later on, nothing else succeeding meanwhile, and it is not either: a full disk
must not fill the store with failed rows, which are never tried again."""


class Sink(Protocol):
    """What the loop asks of the store's writer."""

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Takes rows; returns how many have become durable."""

    def poll(self) -> int:
        """Makes rows durable if they have waited long enough; returns how many."""


class Monitor(Protocol):
    """What the loop tells whoever watches."""

    def rows(self, batch: pa.RecordBatch) -> None:
        """Rows have come back."""

    def tick(self, work_left: float) -> None:
        """The loop has gone round once more; so much of the run's work is still to do, 0 to 1."""

    def note(self, text: str) -> None:
        """Something happened that a person should know."""


class Stop(Protocol):
    """Whether somebody asked the loop to stop."""

    @property
    def requested(self) -> bool:
        """True from the moment that somebody asked."""


@dataclass
class Tally:
    """What a run of the loop has done.

    Attributes:
        trained: rows that came back, failed ones included.
        busy_s: wall-clock seconds of all workers, added up.
        train_s: the part of them spent on training itself.
        interrupted: whether the loop stopped before everything was done.
    """

    trained: int = 0
    busy_s: float = 0.0
    train_s: float = 0.0
    interrupted: bool = False

    def __add__(self, later: Tally) -> Tally:
        """What two runs of the loop have done, one after the other."""
        return Tally(
            self.trained + later.trained,
            self.busy_s + later.busy_s,
            self.train_s + later.train_s,
            later.interrupted,
        )


def drive(
    scheduler: TaskScheduler,
    executor: Executor,
    sink: Sink,
    monitor: Monitor,
    stop: Stop,
    tally: Tally | None = None,
) -> Tally:
    """Trains everything that the scheduler hands out.

    A task that fails is split until the experiment at fault stands alone; that one is tried
    `ATTEMPTS` times and then gets a row with status "failed". When asked to stop, the loop takes
    back what no worker has begun, waits for the rest and returns.

    Args:
        scheduler: of the tasks.
        executor: trains them.
        sink: takes the rows.
        monitor: is told of everything.
        stop: says when to end early.
        tally: keeps count, also for a caller to whom an error comes in place of the result.

    Returns:
        The tally.

    Raises:
        UserError: nothing at all can be trained here, or no longer.
    """
    tally = Tally() if tally is None else tally
    failed_alone = 0
    while True:
        if stop.requested:
            for task in executor.withdraw():
                scheduler.put_back(task)
        else:
            _hand_out(scheduler, executor)
        if executor.in_flight == 0 and (stop.requested or scheduler.left == 0):
            tally.interrupted = scheduler.left > 0
            return tally
        for outcome in executor.wait(WAIT_S):
            if isinstance(outcome, Done):
                failed_alone = 0
                scheduler.observe(outcome.task, outcome.busy_s, outcome.kind)
                tally.busy_s += outcome.busy_s
                tally.train_s += (pc.sum(outcome.rows.column("train_ms")).as_py() or 0) / 1000
                _store(outcome.task, outcome.rows, sink, monitor, tally)
                continue
            if isinstance(outcome, Returned):
                lost = _taken_again(outcome, scheduler)
                if lost is None:
                    continue
                outcome = lost
            logger.warning("%s failed: %s", _describe(outcome.task), outcome.reason)
            # A range says little: one bad experiment in a hundred spoils every one of them.
            failed_alone += len(outcome.task.indices) == 1 and outcome.task.attempt == 0
            if failed_alone >= (HOPELESS_IN_A_ROW if tally.trained else HOPELESS_AT_FIRST):
                raise UserError(
                    f"{failed_alone} experiments in a row failed, each on its own, the last one "
                    f"with: {outcome.reason}. What came back before is stored; the log beside the "
                    "store says more. The same command goes on when the cause is removed"
                )
            _deal_with(outcome, scheduler, sink, monitor, tally)
        sink.poll()
        monitor.tick(scheduler.work_left)


def _hand_out(scheduler: TaskScheduler, executor: Executor) -> None:
    """Gives every worker as much as it can take, as far as there is something for it."""
    without: set[WorkerKind] = set()
    while True:
        vacancies = [kind for kind in executor.vacancies() if kind not in without]
        if not vacancies:
            return
        worker_counts = executor.worker_counts
        for kind in vacancies:
            task = None if kind in without else scheduler.next(kind, worker_counts)
            if task is None:
                without.add(kind)
            else:
                executor.submit(task, kind, scheduler.limit_s(task, kind))


def _taken_again(returned: Returned, scheduler: TaskScheduler) -> Failed | None:
    """Hands a task out again that is not to blame; as failed where that has happened too often."""
    task = returned.task
    if returned.begun and task.losses + 1 >= LOSSES:
        return Failed(task, f"lost {LOSSES} times with its machine, at last: {returned.reason}")
    logger.info("%s are handed out again: %s", _describe(task), returned.reason)
    scheduler.put_back(replace(task, losses=task.losses + returned.begun))
    return None


def _deal_with(
    failed: Failed, scheduler: TaskScheduler, sink: Sink, monitor: Monitor, tally: Tally
) -> None:
    """Splits a failed task, tries a single experiment again, or gives it up with a row."""
    task = failed.task
    if len(task.indices) > 1:
        for indices in reversed(parts(task.indices, PARTS)):
            part = replace(task, indices=indices, attempt=0, suspect=True, losses=0)
            scheduler.put_back_first(part)
        return
    if task.attempt + 1 < ATTEMPTS:
        scheduler.put_back(replace(task, attempt=task.attempt + 1, suspect=True, losses=0))
        return
    monitor.note(f"{_describe(task)} failed {ATTEMPTS} times and is given up: {failed.reason}")
    _store(task, failed_rows(task, failed.reason, failed.kind.backend), sink, monitor, tally)


def _store(task: Task, rows: pa.RecordBatch, sink: Sink, monitor: Monitor, tally: Tally) -> None:
    sink.append(rows, task.study.digest, task.study.name, task.indices)
    tally.trained += rows.num_rows
    monitor.rows(rows)


def _describe(task: Task) -> str:
    indices = list(task.indices)
    first, last = task.study.label(indices[0]), task.study.label(indices[-1])
    return f"experiment {first}" if len(indices) == 1 else f"experiments {first} to {last}"
