"""A sweep of the store: what is trained with one executor, under one entry of the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
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
from search.study import Study
from storage.errors import WriterClosed
from storage.log.sweep_info import describe_sweep

logger = logging.getLogger(__name__)


class Sweep:
    """A sweep in progress, to be entered; it ends when it is left.

    Args:
        studies: the studies, of one root seed.
        executor: the executor, other than `auto`.
        inits: stored initialisations by token.
        store: the store.
        packages: version of each package whose plug-ins are used.
        skipped: number of wanted experiments that are stored.
        curves: measure every training after each epoch too.

    Attributes:
        tally: counts of everything that was trained.
        workers: number of workers.
        wall_s: seconds from the first task to the last; set when the sweep is left.
    """

    def __init__(
        self,
        studies: Sequence[Study],
        executor: ExecutorOptions,
        inits: Mapping[str, StoredInit],
        store: RunStore,
        *,
        packages: Mapping[str, str],
        skipped: int = 0,
        curves: bool = False,
    ) -> None:
        self._studies = studies
        self._options = executor
        self._packages = packages
        self._skipped = skipped
        self._curves = curves
        self._store = store
        self._console = store.console
        self._inits = inits
        self._stack = ExitStack()
        self._shown = ExitStack()
        self._start = 0.0
        self.stop = StopRequest(self._announce_stop)
        self.tally = Tally()
        self.workers = 0
        self.wall_s = 0.0

    def __enter__(self) -> Self:
        self._announce_executor()
        with ExitStack() as stack:
            self._executor = stack.enter_context(make_executor(self._options, self._inits))
            self._sweep = describe_sweep(
                command=self._store.command,
                studies=[study.name for study in self._studies],
                sweep_files={s.name: s.file_sha256 for s in self._studies if s.file_sha256},
                plugins=self._packages,
                device="+".join(self._options.devices),
                workers=self._options.workers or self._executor.workers,
                root_seed=self._studies[0].base.root_seed,
            )
            self._store.writer.begin_sweep(self._sweep)
            logger.info("sweep %s: %s", self._sweep.sweep_id, self._sweep.command)
            self._start = time.monotonic()
            # The display and the handling of signals end before the sweep does.
            fewest = fewest_weights(self._store.reader)
            where = self._store.writer.paths, self._sweep.sweep_id
            monitor = LiveMonitor(self._console, self.tally, fewest, *where, self._executor)
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
        """Train what remains of some studies.

        Args:
            planned: the studies.
            limit: maximum number of experiments to train; None for all.
            parents: networks of other rows that experiments start from, by token.
            work_left: fraction of the sweep's work that is left, for the display; None if this is
                all of it.
            keep: list that gets the rows, in the order in which they come back.
        """
        scheduler = TaskScheduler(
            planned,
            self._sweep.sweep_id,
            limit,
            curves=self._curves,
            packages=self._packages,
            parents=parents,
            work_left=work_left,
        )
        self.tally.total += scheduler.left
        logger.info("sweep %s: %d to train", self._sweep.sweep_id, scheduler.left)
        writer = self._store.writer
        self._monitor.kept = keep
        drive(scheduler, self._executor, writer, self._monitor, self.stop, self.tally)

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        with self._stack:
            self.wall_s = time.monotonic() - self._start
            self.workers = self._executor.workers
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
        self._store.writer.end_sweep(outcome, skipped=self._skipped, core_seconds=self.tally.busy_s)
        logger.info("sweep %s: %s, %d stored", self._sweep.sweep_id, outcome, self.tally.trained)

    def _announce_executor(self) -> None:
        if self._options.choice == "ray":
            address = self._options.address
            where = "on this machine" if address is None else f"at {address}"
            verb = "starting" if address is None else "joining"
            self._console.print(f"{verb} Ray {where}; training starts with the first worker")

    def _announce_stop(self) -> None:
        self._console.print("stopping after what is in training; Ctrl-C stops at once")
