"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.errors import UserError
from storage.reader import StoreReader

StudyWords = Annotated[
    list[str],
    typer.Argument(
        metavar="STUDY|FILE.toml...",
        help="Studies by name (`sparsest studies` lists them), `paper`, `demo`, or sweep files.",
    ),
]
StorePath = Annotated[Path, typer.Option("--store", metavar="D", help="Folder of the store.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
RootSeed = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Draw every random number of the sweep anew."),
]


class DeviceChoice(StrEnum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class ExecutorChoice(StrEnum):
    """What trains."""

    ray = "ray"
    inline = "inline"


def open_reader(store: Path) -> StoreReader:
    """Opens a store that must exist.

    Raises:
        UserError: there is nothing there.
    """
    if not store.exists():
        raise UserError(
            f"there is no store at {store}; `sparsest run STUDY --store {store}` makes one"
        )
    return StoreReader(store)
