"""The command that trains."""

from __future__ import annotations

import json
import logging
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from orchestrator.commands.executors import (
    DeviceChoice,
    ExecutorChoice,
    chosen_device,
    chosen_workers,
    make_executor,
)
from orchestrator.commands.options import AsJson, RootSeed, StorePath, StudyWords
from orchestrator.commands.run_result import RunResult
from orchestrator.commands.status import best_in_store
from orchestrator.driver import Tally, drive
from orchestrator.errors import UserError
from orchestrator.executor import Executor
from orchestrator.from_published import take_published
from orchestrator.inits import combined, inits_in, read_inits
from orchestrator.plan import PlannedStudy, make_plan
from orchestrator.progress import ProgressDisplay
from orchestrator.show import plain_console
from orchestrator.source import TaskSource
from orchestrator.stopping import StopRequest
from orchestrator.targets import (
    find_targets,
    only_numbers,
    require_inits,
    require_methods,
    with_inits,
)
from storage.entries import SweepBegin
from storage.paths import StorePaths, published_folder
from storage.reader import StoreReader
from storage.sweep_info import describe_sweep
from storage.writer import StoreWriter
from workers.cache_folder import cache_folder

logger = logging.getLogger(__name__)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

BenchFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Stored initialisation of the fixed95-* or fixed995-* studies (a torch file); needed "
        "once per store.",
    ),
]


def run(
    words: StudyWords,
    store: StorePath,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train at most N experiments this time.")
    ] = None,
    run_ids: Annotated[
        list[int] | None,
        typer.Option(
            "--run-id",
            metavar="N",
            min=1,
            help="Train only the experiment with this number (as `list` shows it); repeatable.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Training processes [default: one a core or GPU]"),
    ] = None,
    executor: Annotated[
        ExecutorChoice,
        typer.Option(help="Ray's actors, or this process alone (to debug)."),
    ] = ExecutorChoice.ray,
    address: Annotated[
        str | None,
        typer.Option(metavar="A", help="A Ray cluster to join [default: Ray on this machine]"),
    ] = None,
    device: Annotated[
        DeviceChoice,
        typer.Option(help="Where to train; auto is the CPU unless this machine has a GPU."),
    ] = DeviceChoice.auto,
    root_seed: RootSeed = 0,
    from_published: Annotated[
        bool,
        typer.Option(
            "--from-published",
            help="First store what is published with the repository, without weights; it counts "
            "as stored and is not trained.",
        ),
    ] = False,
    bench_95: BenchFile = None,
    bench_995: BenchFile = None,
    as_json: AsJson = False,
) -> None:
    """Train what is not stored yet. The same command again goes on where it stopped.

    Ctrl-C finishes what is in training, stores it and says how to go on; a second Ctrl-C stops at
    once. What has been stored is never lost and never trained again.
    """
    command = shlex.join(["sparsest", *sys.argv[1:]])
    console = plain_console(stderr=True)
    targets = find_targets(words, root_seed)
    if run_ids:
        targets = only_numbers(targets, run_ids)
    require_methods(targets)
    given = read_inits({"bench-95": bench_95, "bench-995": bench_995})
    if from_published:
        take_published(targets, given, store, published_folder(), cache_folder(), command, console)
    inits = combined(inits_in(store), given)
    require_inits(targets, inits)
    targets = with_inits(targets, {name: init.token for name, init in inits.items()})
    where = chosen_device(device, address)
    count = chosen_workers(executor, workers, where, address)
    with StoreWriter(store, command=command) as writer, _log_beside(writer.paths):
        planned = make_plan(targets.selections, writer)
        _say_plan(planned, targets.left_out, console)
        if not any(item.remaining for item in planned):
            result = RunResult("finished", Tally(), 0.0, count, 0)
        else:
            for init in given.values():
                writer.record_init(init.name, init.digest, init.layers)
            by_token = {init.token: init for init in inits.values()}
            with make_executor(executor, count, by_token, where, address) as trainer:
                sweep = describe_sweep(
                    command=command,
                    studies=[item.study.name for item in planned],
                    sweep_files=targets.sweep_files,
                    device=where,
                    workers=count,
                    root_seed=root_seed,
                )
                result = _train(planned, sweep, limit, trainer, writer, console)
    if as_json:
        print(json.dumps(result.summary(store)))
    else:
        result.tell(console, store, command)
    if result.outcome == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _train(
    planned: list[PlannedStudy],
    sweep: SweepBegin,
    limit: int | None,
    trainer: Executor,
    writer: StoreWriter,
    console: Console,
) -> RunResult:
    """Runs the loop as one sweep of the store, under a progress display."""
    total = sum(len(item.remaining) for item in planned)
    skipped = sum(len(item.stored) for item in planned)
    source = TaskSource(planned, sweep.sweep_id, limit, trainer.workers)

    def announce() -> None:
        console.print("stopping: what is in training is finished and stored (Ctrl-C: at once)")

    with StoreReader(writer.paths.root) as reader:
        display = ProgressDisplay(console, source.left, best_in_store(reader))
    writer.begin_sweep(sweep)
    logger.info("sweep %s: %s; %d to train", sweep.sweep_id, sweep.command, source.left)
    start = time.monotonic()
    try:
        with display, StopRequest(announce) as stop:
            tally = drive(source, trainer, writer, display, stop)
    except UserError:
        writer.end_sweep("failed", skipped=skipped)
        raise
    wall_s = time.monotonic() - start
    outcome: Literal["finished", "interrupted"] = "interrupted" if tally.interrupted else "finished"
    writer.end_sweep(outcome, skipped=skipped, core_seconds=tally.busy_s)
    logger.info("sweep %s: %s, %d stored", sweep.sweep_id, outcome, tally.trained)
    return RunResult(outcome, tally, wall_s, trainer.workers, total - tally.trained)


def _say_plan(planned: list[PlannedStudy], left_out: list[str], console: Console) -> None:
    for item in planned:
        console.print(
            f"{item.study.name}: {len(item.wanted):,} planned, {len(item.stored):,} stored, "
            f"{len(item.remaining):,} to train"
        )
    for note in left_out:
        console.print(note, soft_wrap=True)


@contextmanager
def _log_beside(paths: StorePaths) -> Iterator[None]:
    """Logs to the file beside the store, whatever the terminal shows.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        handler = logging.FileHandler(paths.run_log)
    except OSError as error:
        raise UserError(f"cannot write the log file {paths.run_log}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    usual_level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(usual_level)
        root.removeHandler(handler)
        handler.close()
