"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.executors import DeviceChoice, ExecutorChoice
from orchestrator.commands.store_location import new_store_location, store_location


def whole_number(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return the parser of an option for a whole number in a range."""
    allowed = f"{minimum:,} or more" if maximum is None else f"from {minimum:,} to {maximum:,}"

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum or (maximum is not None and value > maximum):
            raise typer.BadParameter(f"{text} is not allowed; give a whole number, {allowed}")
        return value

    return parse


def number(
    minimum: float, maximum: float | None = None, *, excluding_minimum: bool = False
) -> Callable[[str], float]:
    """Return the parser of an option for a number in a range."""
    allowed = f"above {minimum:g}" if excluding_minimum else f"{minimum:g} or more"
    if maximum is not None:
        allowed += f" and at most {maximum:g}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        too_small = value <= minimum if excluding_minimum else value < minimum
        if not isfinite(value) or too_small or (maximum is not None and value > maximum):
            raise typer.BadParameter(f"{text} is not allowed; give a number {allowed}")
        return value

    return parse


StudyWords = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY|FILE.toml",
        help="Studies by name (`sparsest studies` lists them), `paper`, `demo`, or sweep files.",
    ),
]
_STORE_HELP = "Folder of the store, or s3://BUCKET/PREFIX."
StorePath = Annotated[
    Path, typer.Option("--store", metavar="D", parser=store_location, help=_STORE_HELP)
]
MaybeStorePath = Annotated[
    Path | None, typer.Option("--store", metavar="D", parser=store_location, help=_STORE_HELP)
]
NewStorePath = Annotated[
    Path, typer.Option("--store", metavar="D", parser=new_store_location, help=_STORE_HELP)
]
Published = Annotated[
    bool,
    typer.Option(
        "--published",
        help="Use the results published with the repository instead of a store. They have no "
        "weights.",
    ),
]
InitFile = Annotated[
    Path | None,
    typer.Option(
        metavar="F",
        help="Torch file of the stored initialisation that an experiment starts from, if the "
        "results do not contain how to make it.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]
ShardWord = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Use only part K of N disjoint parts of the experiments, such as 3/16.",
    ),
]
Sample = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number(1),
        help="Use a random part of N experiments, which --root-seed decides; a larger N adds to "
        "it.",
    ),
]
Retry = Annotated[
    str | None,
    typer.Option(
        metavar="S",
        help="Also train the experiments again whose stored rows have this status: failed, "
        "diverged, or failed,diverged. The new rows replace the old ones.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Calibrate = Annotated[bool, typer.Option("--calibrate", help="Measure this machine's speed again.")]
RootSeed = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Seed of every random number; experiments with another seed are different ones.",
    ),
]

# Options of the commands that train
Limit = Annotated[
    int | None,
    typer.Option(metavar="N", parser=whole_number(1), help="Train at most N experiments now."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number(1),
        help="Maximum number of Ray workers [default: one per CPU or GPU]",
    ),
]
ExecutorName = Annotated[
    ExecutorChoice,
    typer.Option(
        help="Ray workers, or this process (inline). auto trains inline if that takes a few "
        "seconds."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="A", help="Ray cluster to join [default: start Ray on this machine]"),
]
DeviceName = Annotated[
    DeviceChoice,
    typer.Option(help="Devices to train on; auto is all CPUs and GPUs."),
]
