"""The command `status`: what is stored and what is running."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

from orchestrator.commands.options import AsJson, StorePath, flag, number
from orchestrator.display.activity import Activity
from orchestrator.display.formatting import counted, human_bytes
from orchestrator.display.network_summary import describe_choice, init_origin
from orchestrator.display.store_summary import (
    FewestWeights,
    fewest_weights,
    stored_studies,
    studies_table,
)
from orchestrator.display.terminal import print_line, print_table
from orchestrator.errors import UserError
from storage.reading.reader import StoreReader

MAX_REASONS = 3
"""Number of different reasons of failed trainings that are shown."""


def status(
    store: StorePath,
    as_json: AsJson = False,
    watching: Annotated[
        bool, flag("--watch", "Keep the view up to date until Ctrl-C is pressed.")
    ] = False,
    interval: Annotated[
        float, number("Seconds between updates with --watch.", "S", minimum=0.1)
    ] = 2.0,
) -> None:
    """Show what is stored and what is running.

    Works from any terminal, also while a sweep runs. With --watch it can be started before the
    store exists; if the output is not a terminal, it prints a line after each change.
    """
    if watching:
        if as_json:
            raise UserError("--watch does not print JSON; omit --watch or --json")
        # Imported here: the plain command does without.
        from orchestrator.commands.watch import watch
        from orchestrator.display.console import plain_console

        watch(store, interval, plain_console())
        return
    with StoreReader(store) as reader:
        best = fewest_weights(reader)
        activity = Activity.of(reader)
        report = _report(reader, best, activity)
        if as_json:
            print(json.dumps(report))
        else:
            _print(reader, report, best, activity)


def _print_failures(reader: StoreReader) -> None:
    """Print the most frequent reasons of failed trainings, and where their tracebacks are."""
    found = reader.sql(
        "SELECT any_value(method) AS method, reason, count(*) AS rows FROM results "
        f"WHERE status = 'failed' GROUP BY reason ORDER BY rows DESC, reason LIMIT {MAX_REASONS}"
    )
    for row in found.to_pylist():
        rows = counted(row["rows"], "row")
        print_line(f"failed, {rows} of {row['method']}: {row['reason']}")
    print_line(f"tracebacks of failures are in {reader.paths.run_log}")


def _report(reader: StoreReader, best: FewestWeights, activity: Activity) -> dict[str, Any]:
    """Return what `status --json` prints."""
    state = reader.state
    statuses: Counter[str] = Counter()
    for sweep in state.sweeps.values():
        statuses.update(sweep.by_status)
    return {
        "rows": state.rows,
        "bytes": state.bytes,
        "files": len(state.parts),
        "by_status": dict(statuses),
        "studies": stored_studies(reader),
        "inits": [
            {
                "name": init.name,
                "digest": init.digest,
                "found": None if init.found is None else init.found.model_dump(mode="json"),
            }
            for init in reader.state.inits.values()
        ],
        "searches": [choice.model_dump(mode="json") for choice in reader.state.searches.values()],
        "best": {str(target): fewest for target, fewest in best.by_target.items()},
        "last_run": activity.last_run,
        "running": None if activity.running is None else activity.running.model_dump(),
        "at_work": None if activity.busy is None else asdict(activity.busy),
    }


def _print(
    reader: StoreReader, report: dict[str, Any], best: FewestWeights, activity: Activity
) -> None:
    if report["studies"]:
        print_table(studies_table(report["studies"]))
    counts = ", ".join(f"{count:,} {name}" for name, count in report["by_status"].items() if count)
    print_line(
        f"{counted(report['rows'], 'row')} ({counts or 'none'}) in "
        f"{counted(report['files'], 'file')}, {human_bytes(report['bytes'])}"
    )
    if report["by_status"].get("failed"):
        _print_failures(reader)
    print_line(f"sparsest: {best}")
    for init in reader.state.inits.values():
        print_line(f"{init.name}: {init.digest}, {init_origin(init.found)}")
    for choice in reader.state.searches.values():
        print_line(f"search for {choice.settings} ({choice.chosen}):")
        print_line(*(f"  {line}" for line in describe_choice(choice)))
    if activity.throughput is not None:
        print_line(activity.throughput)
    print_line(*activity.lines())
