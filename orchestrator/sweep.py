"""A sweep of the store: what is trained with one executor, under one entry of the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Literal, Self

import pyarrow as pa

from orchestrator.commands.executors import ExecutorOptions, make_executor
from orchestrator.display.progress import LiveMonitor
from orchestrator.display.store_summary import fewest_weights
from orchestrator.driver import drive
from orchestrator.errors import UserError
from orchestrator.planning.plan import PlannedStudy
from orchestrator.run_store import RunStore
from orchestrator.stopping import StopRequest
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from search.layers import StoredInit
from search.paper_sizes import TARGETS
from search.study import Study
from storage.errors import WriterClosed
from storage.log.sweep_info import describe_sweep

logger = logging.getLogger(__name__)


@dataclass
class Sweep:
    """A sweep in progress, to be entered; it ends when it is left.

    Attributes:
        studies: the studies, of one root seed.
        executor: the executor, other than `auto`.
        inits: stored initialisations by token.
        packages: version of each package whose plug-ins are used.
        skipped: number of wanted experiments that are stored.
        curves: measure every training after each epoch too.
        accuracies: accuracies at which the progress shows the fewest weights.
        tally: counts of everything that was trained.
        wall_s: seconds from the first task to the last; set when the sweep is left.
    """

    studies: Sequence[Study]
    executor: ExecutorOptions
    inits: Mapping[str, StoredInit]
    store: RunStore
    packages: Mapping[str, str]
    skipped: int = 0
    curves: bool = False
    accuracies: Sequence[float] = TARGETS
    tally: Tally = field(default_factory=Tally)
    workers: int = field(default=0, init=False)
    wall_s: float = field(default=0.0, init=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _shown: ExitStack = field(default_factory=ExitStack, init=False)

    def __post_init__(self) -> None:
        message = "stopping after what is in training; Ctrl-C stops at once"
        self.stop = StopRequest(lambda: self.store.console.print(message))

    def __enter__(self) -> Self:
        if self.executor.choice == "ray":
            place = self.executor.address
            starting = (
                "starting Ray on this machine" if place is None else f"joining Ray at {place}"
            )
            self.store.console.print(
                f"{starting}; training starts with the first worker, which compiles the first time"
            )
        with ExitStack() as stack:
            self._running = stack.enter_context(make_executor(self.executor, self.inits))
            self._sweep = describe_sweep(
                command=self.store.command,
                studies=[study.name for study in self.studies],
                sweep_files={s.name: s.file_sha256 for s in self.studies if s.file_sha256},
                plugins=self.packages,
                device="+".join(self.executor.devices),
                workers=self.executor.workers or self._running.workers,
                root_seed=self.studies[0].base.root_seed,
            )
            self.store.writer.begin_sweep(self._sweep)
            logger.info("sweep %s: %s", self._sweep.sweep_id, self._sweep.command)
            self._start = time.monotonic()
            # The display and the handling of signals end before the sweep does.
            monitor = LiveMonitor(
                self.store.console,
                self.tally,
                fewest_weights(self.store.reader, self.accuracies),
                self.store.writer.paths,
                self._sweep.sweep_id,
                self._running,
            )
            self._monitor = self._shown.enter_context(monitor)
            self._shown.enter_context(self.stop)
            self._stack = stack.pop_all()
        return self

    def train(
        self,
        planned: Sequence[PlannedStudy],
        limit: int | None = None,
        parents: Mapping[str, StoredInit] | None = None,
        work_left: float | None = None,
        keep: list[pa.RecordBatch] | None = None,
    ) -> None:
        """Train what remains of some studies, up to a limit; `keep` gets the rows in their order.

        The other arguments are those of `TaskScheduler`.
        """
        scheduler = TaskScheduler(
            planned,
            self._sweep.sweep_id,
            limit,
            curves=self.curves,
            packages=self.packages,
            parents=parents,
            work_left=work_left,
        )
        if self.tally.total is not None:
            self.tally.total += scheduler.left
        logger.info("sweep %s: %d to train", self._sweep.sweep_id, scheduler.left)
        writer = self.store.writer
        self._monitor.kept = keep
        drive(scheduler, self._running, writer, self._monitor, self.stop, self.tally)

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        with self._stack:
            self.wall_s = time.monotonic() - self._start
            self.workers = self._running.workers
            self._shown.close()
            if error is None:
                self._end("interrupted" if self.tally.interrupted else "finished")
            elif isinstance(error, UserError):
                self._end("failed")
            elif isinstance(error, KeyboardInterrupt):
                # An interrupted commit has closed the writer. Such a sweep has no end.
                with suppress(WriterClosed):
                    self._end("interrupted")

    def _end(self, outcome: Literal["finished", "interrupted", "failed"]) -> None:
        self.store.writer.end_sweep(outcome, skipped=self.skipped, core_seconds=self.tally.busy_s)
        logger.info("sweep %s: %s, %d stored", self._sweep.sweep_id, outcome, self.tally.trained)
