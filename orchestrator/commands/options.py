"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.executors import DeviceChoice, ExecutorChoice
from orchestrator.commands.store_location import new_store_location, store_location

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
        help="Ask the results that are published with the repository, in place of a store; they "
        "have no weights.",
    ),
]
InitFile = Annotated[
    Path | None,
    typer.Option(
        metavar="F",
        help="Torch file of the stored initialisation that an experiment starts from, where the "
        "results do not say how it is made.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]
ShardWord = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Only the K-th of N disjoint parts, which together are the whole, such as 3/16.",
    ),
]
Retry = Annotated[
    str | None,
    typer.Option(
        metavar="S",
        help="Rows with these statuses (failed, diverged, or both, with a comma) count as not "
        "stored; the new row takes the place of the old one.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Calibrate = Annotated[bool, typer.Option("--calibrate", help="Measure this machine's speed again.")]
RootSeed = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Draw every random number of the sweep anew; experiments of another seed are others.",
    ),
]

# How to train: of the commands that do.
Limit = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Train at most N experiments this time.")
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Training processes at most [default: one a CPU or GPU]"),
]
ExecutorName = Annotated[
    ExecutorChoice, typer.Option(help="Ray's actors, or this process alone (to debug).")
]
Address = Annotated[
    str | None,
    typer.Option(metavar="A", help="A Ray cluster to join [default: Ray on this machine]"),
]
DeviceName = Annotated[
    DeviceChoice,
    typer.Option(help="Where to train; auto is all CPUs and all GPUs that there are."),
]
