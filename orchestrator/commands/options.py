"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyWords = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY|FILE.toml",
        help="Studies by name (`sparsest studies` lists them), `paper`, `demo`, or sweep files.",
    ),
]
StorePath = Annotated[Path, typer.Option("--store", metavar="D", help="Folder of the store.")]
MaybeStorePath = Annotated[
    Path | None, typer.Option("--store", metavar="D", help="Folder of the store.")
]
Published = Annotated[
    bool,
    typer.Option(
        "--published",
        help="Ask the results that are published with the repository, in place of a store; they "
        "have no weights.",
    ),
]
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
