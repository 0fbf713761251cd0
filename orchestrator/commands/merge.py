"""The command that merges stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson
from orchestrator.commands.store_location import new_store_location, store_location
from orchestrator.display.formatting import counted
from orchestrator.display.terminal import print_line
from orchestrator.invocation import command_line
from storage.merging.merge import merge_stores
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.remote.working_copy import store_name


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="STORE",
            parser=store_location,
            help="Stores to merge: folders, or s3://BUCKET/PREFIX.",
        ),
    ],
    into: Annotated[
        Path,
        typer.Option(
            metavar="D",
            parser=new_store_location,
            help="Store to merge them into, which may be new: a folder, or s3://BUCKET/PREFIX.",
        ),
    ],
    take_first: Annotated[
        bool,
        typer.Option(
            "--take-first",
            help="If stores have different rows of an experiment, keep the row of the store named "
            "first; D comes before all.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Merge several stores into one, such as the shards of a sweep.

    A row that several stores have is stored once. If stores have different rows of an experiment,
    they are shown and nothing is merged. The merged stores are only read. A merge that was stopped
    resumes with the same command.
    """
    command = command_line()
    merged = merge_stores(sources, into, command=command, take_first=take_first)
    with StoreReader(into) as reader:
        total = reader.state.rows
    name = store_name(StorePaths(into))
    if as_json:
        stores = [{"store": one.name, "rows": one.rows, "copied": one.copied} for one in merged]
        print(json.dumps({"into": name, "rows": total, "stores": stores}))
        return
    for one in merged:
        present = one.rows - one.copied
        print_line(
            f"{one.name}: {counted(one.copied, 'row')} merged"
            + (f", {present:,} already present" if present else "")
        )
    print_line(f"{name}: {counted(total, 'row')}")
