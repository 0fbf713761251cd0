"""The command that trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands import options
from orchestrator.commands.executors import ExecutorOptions
from orchestrator.display.console import plain_console
from orchestrator.errors import UserError
from orchestrator.from_published import take_published
from orchestrator.inits import read_inits
from orchestrator.invocation import Invocation
from orchestrator.planning.targets import chosen_targets
from orchestrator.run_store import RunStore
from orchestrator.stopping import exit_code
from storage.log.entries import Status

RETRIABLE: tuple[Status, ...] = ("failed", "diverged")
"""Statuses of rows without a trained network."""

BenchFile = Annotated[
    Path | None,
    options.option(
        "FILE",
        "Stored initialisation of the fixed95-* or fixed995-* studies (a torch file), needed "
        "once per store [default: that of the best network of phase2-95 or phase2-995]",
    ),
]


def run(
    words: options.StudyWords,
    store: options.NewStorePath,
    where: options.Where = None,
    sample: options.Sample = None,
    shard: options.ShardWord = None,
    limit: options.Limit = None,
    run_ids: Annotated[
        list[int] | None,
        options.whole_number(
            "Train only the experiment with this number (as `list` shows it); repeatable.",
            "--run-id",
            maximum=2**63 - 1,
        ),
    ] = None,
    workers: options.Workers = None,
    executor: options.ExecutorName = "auto",
    address: options.Address = None,
    device: options.DeviceName = "auto",
    root_seed: options.RootSeed = 0,
    retry: options.Retry = None,
    from_published: Annotated[
        bool,
        options.flag(
            "--from-published",
            "Store the results published with the repository first. They have no weights, and "
            "their experiments are not trained.",
        ),
    ] = False,
    curves: Annotated[
        bool,
        options.flag(
            "--curves",
            "Measure loss and accuracy after every epoch of what is trained now (the columns "
            "epoch_loss and epoch_accuracy). Trains on the CPU.",
        ),
    ] = False,
    bench_95: BenchFile = None,
    bench_995: BenchFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Train what is not stored yet. The same command resumes an interrupted run.

    Ctrl-C (or SIGTERM) finishes and stores what is in training, and prints how to resume; a second
    Ctrl-C stops at once. What has been stored is never lost and never trained again.
    """
    # Imported here, and so numba: `--help` does without.
    from orchestrator.commands.training import Training

    invocation = Invocation.current()
    retried = _statuses(retry)
    part = options.parse_shard(shard)
    targets = chosen_targets(words, root_seed, run_ids, where, sample, part)
    given = read_inits({"bench-95": bench_95, "bench-995": bench_995})
    executors = ExecutorOptions.of(executor, workers, device, address)
    with RunStore(store, invocation.recorded, plain_console(stderr=True)) as opened:
        if from_published:
            take_published(targets, given, opened)
        result = Training(
            targets,
            opened,
            executors,
            given=given,
            limit=limit,
            curves=curves,
            retry=retried,
            shard=part,
        ).run()
        if as_json:
            print(json.dumps(result.summary(opened)))
        else:
            opened.print(*result.lines(opened, invocation, result.trained))
    if result.outcome == "interrupted" and result.stopped_by is not None:
        raise typer.Exit(exit_code(result.stopped_by))


def _statuses(text: str | None) -> tuple[Status, ...]:
    """Return the statuses that `--retry` lists, separated by commas."""
    if text is None:
        return ()
    named = {word.strip() for word in text.split(",")}
    unknown = sorted(named - set(RETRIABLE))
    if unknown:
        raise UserError(
            f"--retry {text}: rows with the status {' or '.join(RETRIABLE)} can be trained again, "
            f"not {unknown[0]!r}; `sparsest forget` removes any rows, and the next run trains "
            "their experiments again"
        )
    return tuple(status for status in RETRIABLE if status in named)
