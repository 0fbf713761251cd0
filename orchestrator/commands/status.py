"""The command that tells how a store stands."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer

from orchestrator.best import Best
from orchestrator.commands.options import AsJson, StorePath
from orchestrator.commands.watch import watch
from orchestrator.errors import UserError
from orchestrator.found import origin
from orchestrator.search_choice import explain
from orchestrator.show import counted, human_bytes
from orchestrator.standing import (
    best_in_store,
    last_run,
    said_of,
    stored_studies,
    studies_table,
)
from orchestrator.terminal import plain_console
from storage.inits import StoredInit
from storage.reader import StoreReader
from storage.search_entries import SearchChoice


def status(
    store: StorePath,
    as_json: AsJson = False,
    watching: Annotated[
        bool,
        typer.Option(
            "--watch", help="Go on showing it, with rate and time left, until Ctrl-C is pressed."
        ),
    ] = False,
    interval: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="For --watch: seconds between two looks.")
    ] = 2.0,
) -> None:
    """Show what is stored and what is running, from any terminal.

    With --watch it may be begun before the store is there: it waits for it. Where the output is no
    terminal, a line is printed whenever something has changed.
    """
    if watching:
        if as_json:
            raise UserError("--watch shows, it does not print JSON: ask again without --watch")
        watch(store, interval, plain_console())
        return
    with StoreReader(store) as reader:
        best = best_in_store(reader)
        report = _report(reader, best)
        inits = list(reader.inits.values())
        searches = list(reader.searches.values())
    if as_json:
        print(json.dumps(report))
    else:
        _show(report, best, inits, searches)


def _report(reader: StoreReader, best: Best) -> dict[str, Any]:
    progress = reader.progress()
    statuses: Counter[str] = Counter()
    for sweep in progress.sweeps:
        statuses.update(sweep.by_status)
    return {
        "rows": progress.rows,
        "bytes": progress.bytes,
        "files": progress.files,
        "by_status": dict(statuses),
        "studies": stored_studies(progress),
        "inits": [
            {
                "name": init.name,
                "digest": init.digest,
                "found": None if init.found is None else init.found.model_dump(mode="json"),
            }
            for init in reader.inits.values()
        ],
        "searches": [choice.model_dump(mode="json") for choice in reader.searches.values()],
        "best": {str(target): fewest for target, fewest in best.weights.items()},
        "last_run": last_run(reader, progress),
    }


def _show(
    report: dict[str, Any], best: Best, inits: list[StoredInit], searches: list[SearchChoice]
) -> None:
    console = plain_console()
    if report["studies"]:
        console.print(studies_table(report["studies"]))
    counts = ", ".join(f"{count:,} {name}" for name, count in report["by_status"].items() if count)
    console.print(
        f"{counted(report['rows'], 'row')} ({counts or 'none'}) in "
        f"{counted(report['files'], 'file')}, "
        f"{human_bytes(report['bytes'])}"
    )
    console.print(f"sparsest: {best}")
    for init in inits:
        console.print(f"{init.name}: {init.digest}, {origin(init.found)}", soft_wrap=True)
    for choice in searches:
        console.print(f"search for {choice.settings} ({choice.chosen}):", soft_wrap=True)
        for line in explain(choice):
            console.print(f"  {line}", soft_wrap=True)
    console.print(said_of(report["last_run"]), soft_wrap=True)
