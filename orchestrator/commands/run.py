"""The command that trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.executors import (
    DeviceChoice,
    ExecutorChoice,
    check_workers,
    chosen_devices,
)
from orchestrator.commands.options import (
    Address,
    AsJson,
    DeviceName,
    ExecutorName,
    Limit,
    NewStorePath,
    Retry,
    RootSeed,
    ShardWord,
    StudyWords,
    Workers,
)
from orchestrator.commands.training import TrainingOptions, train_targets
from orchestrator.damage import quarantine_damaged
from orchestrator.display.terminal import plain_console
from orchestrator.from_published import take_published
from orchestrator.inits import read_inits
from orchestrator.invocation import Invocation
from orchestrator.planning.retry import statuses_to_retry
from orchestrator.planning.targets import find_targets, only_numbers, only_shard, parse_shard
from orchestrator.stopping import exit_code
from storage.paths import published_folder
from workers.cache_folder import cache_folder

BenchFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Stored initialisation of the fixed95-* or fixed995-* studies (a torch file), given "
        "once per store [default: that of the best network of phase2-95 or phase2-995]",
    ),
]


def run(
    words: StudyWords,
    store: NewStorePath,
    shard: ShardWord = None,
    limit: Limit = None,
    run_ids: Annotated[
        list[int] | None,
        typer.Option(
            "--run-id",
            metavar="N",
            min=1,
            help="Train only the experiment with this number (as `list` shows it); repeatable.",
        ),
    ] = None,
    workers: Workers = None,
    executor: ExecutorName = ExecutorChoice.ray,
    address: Address = None,
    device: DeviceName = DeviceChoice.auto,
    root_seed: RootSeed = 0,
    retry: Retry = None,
    from_published: Annotated[
        bool,
        typer.Option(
            "--from-published",
            help="First store what is published with the repository, without weights; it counts "
            "as stored and is not trained.",
        ),
    ] = False,
    curves: Annotated[
        bool,
        typer.Option(
            "--curves",
            help="Measure loss and accuracy after every epoch too (the columns epoch_loss and "
            "epoch_accuracy) of what is trained now. This is done on the CPU.",
        ),
    ] = False,
    bench_95: BenchFile = None,
    bench_995: BenchFile = None,
    as_json: AsJson = False,
) -> None:
    """Train what is not stored yet. The same command again goes on where it stopped.

    Ctrl-C (or SIGTERM) finishes what is in training, stores it and says how to go on; a second
    Ctrl-C stops at once. What has been stored is never lost and never trained again.
    """
    invocation = Invocation.current()
    command = invocation.recorded
    console = plain_console(stderr=True)
    statuses = statuses_to_retry(retry)
    targets = find_targets(words, root_seed)
    if run_ids:
        targets = only_numbers(targets, run_ids)
    part = None if shard is None else parse_shard(shard)
    if part is not None:
        targets = only_shard(targets, part)
    given = read_inits({"bench-95": bench_95, "bench-995": bench_995})
    quarantine_damaged(store, command, console)
    if from_published:
        take_published(targets, given, store, published_folder(), cache_folder(), command, console)
    check_workers(executor, workers, address)
    options = TrainingOptions(
        store=store,
        executor=executor,
        workers=workers,
        devices=chosen_devices(device, executor, address),
        address=address,
        root_seed=root_seed,
        limit=limit,
        invocation=invocation,
        curves=curves,
        retry=statuses,
        shard=part,
    )
    result = train_targets(targets, given, options, console)
    if as_json:
        print(json.dumps(result.summary(store)))
    else:
        result.print_summary(
            console, store, result.resume_command(invocation, result.tally.trained)
        )
    if result.outcome == "interrupted" and result.stopped_by is not None:
        raise typer.Exit(exit_code(result.stopped_by))
