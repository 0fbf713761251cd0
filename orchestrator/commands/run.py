"""The command that trains."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from orchestrator.best import Best
from orchestrator.commands.options import (
    AsJson,
    DeviceChoice,
    ExecutorChoice,
    RootSeed,
    StorePath,
    StudyWords,
)
from orchestrator.commands.status import REACHED
from orchestrator.driver import Tally, drive
from orchestrator.errors import UserError
from orchestrator.executor import Executor, InlineExecutor
from orchestrator.inits import combined, read_inits
from orchestrator.plan import PlannedStudy, make_plan
from orchestrator.progress import ProgressDisplay
from orchestrator.ray_environment import prepare_ray_environment
from orchestrator.show import human_seconds
from orchestrator.source import TaskSource
from orchestrator.stopping import StopRequest
from orchestrator.targets import find_targets, require_trainable, with_inits
from storage.paths import StorePaths
from storage.reader import StoreReader
from storage.sweep_info import describe_sweep
from storage.writer import StoreWriter
from workers.initial import StoredInit
from workers.train import Device

logger = logging.getLogger(__name__)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

BenchFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Stored initialisation for fixed-* studies (a torch file); needed once per store.",
    ),
]


def run(
    words: StudyWords,
    store: StorePath,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train at most N experiments this time.")
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
        DeviceChoice, typer.Option(help="Where to train; auto is the CPU unless a GPU is there.")
    ] = DeviceChoice.auto,
    root_seed: RootSeed = 0,
    bench_95: BenchFile = None,
    bench_995: BenchFile = None,
    as_json: AsJson = False,
) -> None:
    """Train what is not stored yet. The same command again goes on where it stopped.

    Ctrl-C finishes what is in training, stores it and says how to go on; a second Ctrl-C stops at
    once. What has been stored is never lost and never trained again.
    """
    command = shlex.join(["sparsest", *sys.argv[1:]])
    console = Console(stderr=True, highlight=False)
    targets = find_targets(words, root_seed)
    given = read_inits({"bench-95": bench_95, "bench-995": bench_995})
    _log_beside(store)
    with StoreWriter(store, command=command) as writer:
        inits = combined(writer.inits, given)
        require_trainable(targets, inits)
        targets = with_inits(targets, {name: init.token for name, init in inits.items()})
        planned = make_plan(targets.selections, writer)
        skipped = _say_plan(planned, console)
        total = sum(len(item.remaining) for item in planned)
        if total == 0:
            _finish(as_json, console, _summary("finished", Tally(), 0.0, 1, store))
            return
        for init in given.values():
            writer.record_init(init.name, init.digest, init.layers)
        where = _chosen_device(device)
        count = 1 if executor is ExecutorChoice.inline else workers or _default_workers(where)
        by_token = {init.token: init for init in inits.values()}
        trainer: Executor = (
            InlineExecutor(by_token, where)
            if executor is ExecutorChoice.inline
            else _ray_executor(count, by_token, where, address)
        )
        with trainer:
            sweep = describe_sweep(
                command=command,
                studies=[item.study.name for item in planned],
                sweep_files=targets.sweep_files,
                device=where,
                workers=count,
                root_seed=root_seed,
            )
            sweep_id = writer.begin_sweep(sweep)
            logger.info("sweep %s: %s; %d to train", sweep_id, command, total)
            source = TaskSource(planned, sweep_id, limit, count)
            tally, wall_s, interrupted = _train(source, trainer, writer, console, store)
            left = source.left + max(0, total - tally.trained - source.left)
            outcome: Literal["interrupted", "finished"] = (
                "interrupted" if interrupted else "finished"
            )
            writer.end_sweep(outcome, skipped=skipped, core_seconds=tally.busy_s)
        logger.info("sweep %s: %s, %d stored", sweep_id, outcome, tally.trained)
    _finish(as_json, console, _summary(outcome, tally, wall_s, count, store))
    if left and not as_json:
        console.print(f"{left:,} experiments are left; go on with:\n  {command}", soft_wrap=True)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _train(
    source: TaskSource, trainer: Executor, writer: StoreWriter, console: Console, store: Path
) -> tuple[Tally, float, bool]:
    """Runs the loop under a progress display; also says whether it was interrupted."""

    def announce() -> None:
        console.print("stopping: what is in training is finished and stored (Ctrl-C: at once)")

    start = time.monotonic()
    display = ProgressDisplay(console, source.left, _best_so_far(store))
    with display, StopRequest(announce) as stop:
        tally = drive(source, trainer, writer, display, stop)
    return tally, time.monotonic() - start, tally.interrupted


def _best_so_far(store: Path) -> Best:
    best = Best()
    with StoreReader(store) as reader:
        best.see(reader.sql(REACHED))
    return best


def _say_plan(planned: list[PlannedStudy], console: Console) -> int:
    """Prints what remains of each study; returns how many experiments are stored already."""
    for item in planned:
        console.print(
            f"{item.study.name}: {len(item.wanted):,} planned, {len(item.stored):,} stored, "
            f"{len(item.remaining):,} to train"
        )
        if item.study.left_out:
            console.print(
                f"  {item.study.left_out:,} combinations left out: their target_nnz is not below "
                "the number of weights"
            )
    return sum(len(item.stored) for item in planned)


def _chosen_device(choice: DeviceChoice) -> Device:
    if choice is DeviceChoice.cpu:
        return "cpu"
    # Imported here: torch takes seconds that a CPU run need not spend.
    import torch

    if choice is DeviceChoice.cuda:
        if not torch.cuda.is_available():
            raise UserError("--device cuda: torch finds no CUDA device on this machine")
        return "cuda"
    return "cuda" if torch.cuda.is_available() else "cpu"


def _default_workers(device: Device) -> int:
    if device == "cuda":
        import torch

        return torch.cuda.device_count()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ray_executor(
    count: int, inits: dict[str, StoredInit], device: Device, address: str | None
) -> Executor:
    prepare_ray_environment(address)
    # Imported here: only now is its environment settled, and the inline executor needs none.
    from orchestrator.ray_executor import RayExecutor

    return RayExecutor(count, inits, device, address)


def _log_beside(store: Path) -> None:
    """Log to the file beside the store, whatever the terminal shows."""
    path = StorePaths.of(store).run_log
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _summary(
    outcome: str, tally: Tally, wall_s: float, workers: int, store: Path
) -> dict[str, Any]:
    possible = wall_s * workers
    with StoreReader(store) as reader:
        best = Best()
        best.see(reader.sql(REACHED))
    return {
        "outcome": outcome,
        "trained": tally.trained,
        "wall_seconds": round(wall_s, 3),
        "workers": workers,
        "train_seconds": round(tally.train_s, 3),
        "training_share": round(tally.train_s / possible, 4) if possible else None,
        "best": {str(target): fewest for target, fewest in best.weights.items()},
        "store": str(store),
    }


def _finish(as_json: bool, console: Console, summary: dict[str, Any]) -> None:
    if as_json:
        print(json.dumps(summary))
        return
    if summary["trained"] == 0:
        console.print("nothing to train: everything asked for is stored")
        return
    share = summary["training_share"]
    console.print(
        f"{summary['outcome']}: {summary['trained']:,} trained in "
        f"{human_seconds(summary['wall_seconds'])} by {summary['workers']} workers, "
        f"{share:.0%} of whose time went into training",
        soft_wrap=True,
    )
    console.print(
        f'ask the store: sparsest query "SELECT status, count(*) FROM results GROUP BY status" '
        f"--store {summary['store']}",
        soft_wrap=True,
    )
