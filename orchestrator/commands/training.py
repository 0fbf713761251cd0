"""Training what a command asks for: one sweep of the store, or two.

Two where a stored initialisation is still to be chosen (`orchestrator.best_init`): first the search
that it is chosen from, then everything else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from orchestrator.best_init import SEARCHES, find_init, refuse_choice, require_searches
from orchestrator.commands.executors import ExecutorChoice, make_executor
from orchestrator.commands.run_result import RunResult
from orchestrator.display.formatting import counted
from orchestrator.display.live_monitor import LiveMonitor
from orchestrator.display.network_summary import init_origin
from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import fewest_weights
from orchestrator.driver import drive
from orchestrator.errors import UserError
from orchestrator.inits import combined, inits_in
from orchestrator.invocation import Invocation
from orchestrator.planning.plan import PlannedStudy, make_plan
from orchestrator.planning.targets import Targets, with_inits
from orchestrator.plugins import packages_of
from orchestrator.run_log import log_beside
from orchestrator.stopping import StopRequest, resumable
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from search.layers import StoredInit
from search.shards import Shard
from storage.errors import WriterClosed
from storage.log.entries import Status
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
from storage.planned import record_planned
from storage.reading.reader import StoreReader
from storage.writing.writer import StoreWriter
from workers.train import Device

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes:
        store: where the rows go.
        executor: what trains.
        workers: how many at most; None for as many as there is room for.
        devices: where.
        address: a Ray cluster to join; None for this machine.
        root_seed: of all random numbers.
        limit: train no more experiments than that.
        invocation: the command, which the store records.
        curves: measure every training at the end of each epoch too.
        retry: statuses of rows that count as not stored.
        shard: what is wanted is this part of a whole that several machines train; None where it is
            the whole.
    """

    store: Path
    executor: ExecutorChoice
    workers: int | None
    devices: tuple[Device, ...]
    address: str | None
    root_seed: int
    limit: int | None
    invocation: Invocation
    curves: bool = False
    retry: tuple[Status, ...] = ()
    shard: Shard | None = None


def train_targets(
    targets: Targets, given: Mapping[str, StoredInit], options: TrainingOptions, console: Console
) -> RunResult:
    """Trains what is not stored yet.

    Args:
        targets: what is wanted; its methods must be there.
        given: initialisations that the user hands in, by name.
        options: how to train.
        console: where to tell how it goes.

    Raises:
        UserError: a plug-in cannot be used, an initialisation cannot be had, or nothing can be
            trained here.
        StoreError: the store cannot be used.
    """
    plugins = packages_of(selection.study for selection in targets.selections)
    inits = combined(inits_in(options.store), given)
    waiting = [name for name in targets.init_names if name not in inits]
    if waiting:
        if options.shard is not None:
            refuse_choice(waiting, targets.selections, options.shard)
        _require_searches(waiting, targets, options)
    with (
        resumable(),
        StoreWriter(options.store, command=options.invocation.recorded) as writer,
        log_beside(writer.paths),
    ):
        training = _Training(targets, options, writer, console, plugins)
        if options.retry:
            aside = counted(writer.retry(options.retry), "row")
            console.print(
                f"{aside} of the store {' or '.join(options.retry)}: not counted as stored"
            )
        planned = training.plan(inits)
        _say_plan(planned, targets.left_out, console)
        left = sum(len(item.remaining) for item in planned)
        done = RunResult("finished", Tally(), 0.0, 0, left)
        if left == 0:
            return done
        for init in given.values():
            writer.record_init(init.name, init.digest, init.layers)
        if waiting:
            searches = {SEARCHES[name].study for name in waiting}
            first = [item for item in planned if item.study.name in searches and item.remaining]
            if first:
                names = " and ".join(item.study.name for item in first)
                console.print(f"first {names}: other studies start from what is best there")
                done = training.sweep(first, inits, done)
                if done.stopped_by or done.tally.trained == options.limit:
                    return done
            inits |= training.choose(waiting)
            planned = training.plan(inits)
        return training.sweep(planned, inits, done)


def _require_searches(waiting: list[str], targets: Targets, options: TrainingOptions) -> None:
    """`require_searches` against the store, which need not exist yet."""
    if not StorePaths.of(options.store).marker.exists():
        require_searches(waiting, targets.selections, None, options.root_seed)
        return
    with StoreReader(options.store) as reader:
        require_searches(waiting, targets.selections, reader, options.root_seed)


@dataclass(frozen=True)
class _Training:
    """What the sweeps of one command share."""

    targets: Targets
    options: TrainingOptions
    writer: StoreWriter
    console: Console
    plugins: Mapping[str, str]

    def plan(self, inits: Mapping[str, StoredInit]) -> list[PlannedStudy]:
        """What is left, with the initialisations that are known; the store notes what is wanted."""
        tokens = {name: init.token for name, init in inits.items()}
        planned = make_plan(with_inits(self.targets, tokens).selections, self.writer)
        wanted = {item.study.digest: len(item.wanted) for item in planned}
        record_planned(self.writer.paths, wanted)
        return planned

    def choose(self, names: list[str]) -> dict[str, StoredInit]:
        """Chooses the initialisations that nobody has given, for good; says which they are."""
        with StoreReader(self.options.store) as reader:
            chosen = [find_init(name, self.options.root_seed, reader) for name in names]
        for init, found in chosen:
            self.writer.record_init(init.name, init.digest, init.layers, found)
            said = f"{init.name} is {init.digest} in this store from now on, {init_origin(found)}"
            self.console.print(said, soft_wrap=True)
            logger.info("%s", said)
        return {init.name: init for init, _ in chosen}

    def sweep(
        self, planned: list[PlannedStudy], inits: Mapping[str, StoredInit], before: RunResult
    ) -> RunResult:
        """Runs the loop as one sweep of the store, under a progress display.

        Returns:
            How it went, together with what the command has done before.
        """
        options, writer = self.options, self.writer
        by_token = {init.token: init for init in inits.values()}
        limit = None if options.limit is None else options.limit - before.tally.trained
        skipped = sum(len(item.stored) for item in planned)
        names = [item.study.name for item in planned]
        files = self.targets.sweep_files
        if options.address is not None:
            self.console.print(f"joining {options.address}: it begins with the first worker")
        with make_executor(
            options.executor, options.workers, by_token, options.devices, options.address
        ) as trainer:
            sweep = describe_sweep(
                command=options.invocation.recorded,
                studies=names,
                sweep_files={name: files[name] for name in names if name in files},
                plugins=self.plugins,
                device="+".join(options.devices),
                workers=options.workers or trainer.workers,
                root_seed=options.root_seed,
            )
            scheduler = TaskScheduler(
                planned,
                sweep.sweep_id,
                limit,
                curves=options.curves,
                packages=self.plugins,
            )
            tally = Tally(scheduler.left)
            with StoreReader(options.store) as reader:
                display = ProgressDisplay(self.console, tally, fewest_weights(reader))
            writer.begin_sweep(sweep)
            logger.info("sweep %s: %s; %d to train", sweep.sweep_id, sweep.command, scheduler.left)
            start = time.monotonic()
            try:
                with (
                    display,
                    LiveMonitor(display, writer.paths, sweep.sweep_id, trainer) as monitor,
                    StopRequest(self._announce) as stop,
                ):
                    drive(scheduler, trainer, writer, monitor, stop, tally)
            except UserError:
                writer.end_sweep("failed", skipped=skipped, core_seconds=tally.busy_s)
                raise
            except KeyboardInterrupt:
                # A commit that was cut short has closed the writer: such a sweep has no end.
                with suppress(WriterClosed):
                    writer.end_sweep("interrupted", skipped=skipped, core_seconds=tally.busy_s)
                raise
            wall_s = time.monotonic() - start
            outcome: Literal["finished", "interrupted"] = (
                "interrupted" if tally.interrupted else "finished"
            )
            writer.end_sweep(outcome, skipped=skipped, core_seconds=tally.busy_s)
        logger.info("sweep %s: %s, %d stored", sweep.sweep_id, outcome, tally.trained)
        left = before.left - tally.trained
        return RunResult(
            # Whoever asks to stop when a first sweep has just ended does not want the second.
            "interrupted" if stop.requested and left > 0 else "finished",
            before.tally + tally,
            before.wall_s + wall_s,
            trainer.workers,
            left,
            stop.received,
        )

    def _announce(self) -> None:
        self.console.print("stopping: what is in training is finished and stored (Ctrl-C: at once)")


def _say_plan(planned: list[PlannedStudy], left_out: list[str], console: Console) -> None:
    for item in planned:
        console.print(
            f"{item.study.name}: {len(item.wanted):,} planned, {len(item.stored):,} stored, "
            f"{len(item.remaining):,} to train"
        )
    for note in left_out:
        console.print(note, soft_wrap=True)
