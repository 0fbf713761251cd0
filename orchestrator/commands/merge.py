"""The command that makes one store of several."""

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
from storage.remote.origin import store_name


def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="STORE",
            parser=store_location,
            help="Stores to bring together: folders, or s3://BUCKET/PREFIX.",
        ),
    ],
    into: Annotated[
        Path,
        typer.Option(
            metavar="D",
            parser=new_store_location,
            help="Store to bring them into, old or new: a folder, or s3://BUCKET/PREFIX.",
        ),
    ],
    take_first: Annotated[
        bool,
        typer.Option(
            "--take-first",
            help="Where stores have different rows of an experiment, keep that of the store named "
            "first, D before all.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make one store of several, such as the shards of a sweep.

    Rows that several have are taken once. Rows of one experiment with different contents are shown
    and nothing is merged. The stores themselves are only read. After a kill, the same command goes
    on.
    """
    command = command_line()
    merged = merge_stores(sources, into, command=command, take_first=take_first)
    with StoreReader(into) as reader:
        total = reader.progress().rows
    name = store_name(StorePaths.of(into))
    if as_json:
        stores = [{"store": one.name, "rows": one.rows, "copied": one.copied} for one in merged]
        print(json.dumps({"into": name, "rows": total, "stores": stores}))
        return
    for one in merged:
        there = one.rows - one.copied
        print_line(
            f"{one.name}: {counted(one.copied, 'row')} merged"
            + (f", {there:,} were there already" if there else "")
        )
    print_line(f"{name}: {counted(total, 'row')}")
