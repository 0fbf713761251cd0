"""The command that tells how a store stands."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from rich.table import Table

from orchestrator.best import TARGETS, Best
from orchestrator.commands.options import AsJson, StorePath
from orchestrator.found import origin
from orchestrator.search_choice import explain
from orchestrator.show import counted, human_bytes, plain_console
from search.paper import PAPER_STUDIES, paper_study
from storage.inits import StoredInit
from storage.reader import Progress, StoreReader
from storage.search_entries import SearchChoice

REACHED = f"SELECT accuracy, weight_nnz FROM results WHERE accuracy >= {min(TARGETS)}"


def status(store: StorePath, as_json: AsJson = False) -> None:
    """Show what is stored and what is running, from any terminal."""
    with StoreReader(store) as reader:
        best = best_in_store(reader)
        report = _report(reader, best)
        inits = list(reader.inits.values())
        searches = list(reader.searches.values())
    if as_json:
        print(json.dumps(report))
    else:
        _show(report, best, inits, searches)


def best_in_store(reader: StoreReader) -> Best:
    """The sparsest networks of a store."""
    best = Best()
    best.see(reader.sql(REACHED))
    return best


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
        "studies": _studies(progress),
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
        "last_run": _last_run(reader, progress),
    }


def _studies(progress: Progress) -> list[dict[str, Any]]:
    """What is stored of each study; another root seed or an edited file makes it another one."""
    sizes = {name: len(paper_study(name)) for name in PAPER_STUDIES}
    return [
        {
            "study": study.name,
            "digest": digest,
            "stored": study.rows,
            "experiments": sizes.get(study.name),
        }
        for digest, study in progress.studies.items()
    ]


def _last_run(reader: StoreReader, progress: Progress) -> dict[str, Any] | None:
    if not progress.sweeps:
        return None
    sweep, holder = progress.sweeps[-1], reader.holder()
    if sweep.end is not None:
        state: str = sweep.end.outcome
    else:
        state = "killed" if holder is None else "running"
    return {
        "state": state,
        "sweep_id": sweep.begin.sweep_id,
        "started": sweep.begin.started,
        "host": sweep.begin.host,
        "pid": holder.pid if holder is not None and state == "running" else None,
        "command": sweep.begin.command,
        "rows": sweep.rows,
    }


def _show(
    report: dict[str, Any], best: Best, inits: list[StoredInit], searches: list[SearchChoice]
) -> None:
    console = plain_console()
    if report["studies"]:
        console.print(_table(report["studies"]))
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
    last = report["last_run"]
    if last is None:
        console.print("nothing was run yet")
        return
    said = "is running" if last["state"] == "running" else f"last run, {last['state']}"
    console.print(
        f"{said}: {last['command']} (begun {last['started']} on {last['host']}, "
        f"{counted(last['rows'], 'row')})",
        soft_wrap=True,
    )


def _table(studies: list[dict[str, Any]]) -> Table:
    """A line a study; studies of one name are told apart by their digests."""
    names = Counter(row["study"] for row in studies)
    table = Table(box=None, header_style="bold")
    table.add_column("study", no_wrap=True)
    for title in ("stored", "of", "done"):
        table.add_column(title, justify="right")
    for row in studies:
        name, size = row["study"], row["experiments"]
        table.add_row(
            name if names[name] == 1 else f"{name} ({row['digest'][:8]})",
            f"{row['stored']:,}",
            f"{size:,}" if size else "",
            f"{row['stored'] / size:.1%}" if size else "",
        )
    return table
