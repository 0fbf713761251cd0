"""The command that tells how a store stands."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

import typer

from orchestrator.commands.options import AsJson, StorePath
from orchestrator.commands.watch import watch
from orchestrator.display.activity import Activity
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.network_summary import init_origin
from orchestrator.display.store_summary import (
    FewestWeights,
    fewest_weights,
    stored_studies,
    studies_table,
)
from orchestrator.display.terminal import plain_console
from orchestrator.errors import UserError
from orchestrator.search_choice import explain
from storage.log.inits import FrozenInit
from storage.log.search_entries import SearchChoice
from storage.reading.reader import StoreReader


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
        best = fewest_weights(reader)
        activity = Activity.of(reader, reader.progress())
        report = _report(reader, best, activity)
        inits = list(reader.inits.values())
        searches = list(reader.searches.values())
    if as_json:
        print(json.dumps(report))
    else:
        _show(report, best, inits, searches, activity)


def _report(reader: StoreReader, best: FewestWeights, activity: Activity) -> dict[str, Any]:
    progress = reader.progress()
    statuses: Counter[str] = Counter()
    for sweep in progress.sweeps:
        statuses.update(sweep.by_status)
    return {
        "rows": progress.rows,
        "bytes": progress.bytes,
        "files": progress.files,
        "by_status": dict(statuses),
        "studies": stored_studies(reader, progress),
        "inits": [
            {
                "name": init.name,
                "digest": init.digest,
                "found": None if init.found is None else init.found.model_dump(mode="json"),
            }
            for init in reader.inits.values()
        ],
        "searches": [choice.model_dump(mode="json") for choice in reader.searches.values()],
        "best": {str(target): fewest for target, fewest in best.by_target.items()},
        "last_run": activity.last_run,
        "running": None if activity.running is None else activity.running.model_dump(),
        "at_work": None if activity.busy is None else asdict(activity.busy),
    }


def _show(
    report: dict[str, Any],
    best: FewestWeights,
    inits: list[FrozenInit],
    searches: list[SearchChoice],
    activity: Activity,
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
        console.print(f"{init.name}: {init.digest}, {init_origin(init.found)}", soft_wrap=True)
    for choice in searches:
        console.print(f"search for {choice.settings} ({choice.chosen}):", soft_wrap=True)
        for line in explain(choice):
            console.print(f"  {line}", soft_wrap=True)
    if activity.throughput is not None:
        console.print(f"running: {activity.throughput}", soft_wrap=True)
    for line in activity.lines():
        console.print(line, soft_wrap=True)
