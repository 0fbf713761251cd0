"""The command that tells how a store stands."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestrator.best import TARGETS, Best
from orchestrator.commands.options import AsJson, StorePath, open_reader
from orchestrator.show import human_bytes
from search.catalogue import STUDY_NAMES, resolve
from storage.reader import StoreReader

REACHED = (
    f"SELECT accuracy, weight_nnz FROM results WHERE accuracy >= {min(TARGETS)} ORDER BY weight_nnz"
)


def status(store: StorePath, as_json: AsJson = False) -> None:
    """Show what is stored and what is running, from any terminal, while a sweep runs or not."""
    with open_reader(store) as reader:
        report = _report(reader)
    if as_json:
        print(json.dumps(report))
        return
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold")
    table.add_column("study", no_wrap=True)
    for title in ("stored", "of", "done"):
        table.add_column(title, justify="right")
    for row in report["studies"]:
        size = row["experiments"]
        share = f"{row['stored'] / size:.1%}" if size else ""
        table.add_row(row["study"], f"{row['stored']:,}", f"{size:,}" if size else "", share)
    console.print(table)
    counts = ", ".join(f"{count:,} {name}" for name, count in report["by_status"].items() if count)
    console.print(
        f"{report['rows']:,} rows ({counts or 'none'}) in {report['files']} files, "
        f"{human_bytes(report['bytes'])}"
    )
    console.print(f"sparsest: {report['best_text']}")
    if report["running"]:
        running = report["running"]
        console.print(
            f"running since {running['started']} on {running['host']}: {running['command']} "
            f"({running['rows']:,} rows so far)",
            soft_wrap=True,
        )
    else:
        console.print("nothing is running")


def _report(reader: StoreReader) -> dict[str, Any]:
    progress = reader.progress()
    sizes = {
        name: len(resolve(name)[0].study) for name in STUDY_NAMES if name not in ("paper", "demo")
    }
    best = Best()
    best.see(reader.sql(REACHED))
    statuses: dict[str, int] = {}
    for sweep in progress.sweeps:
        for name, count in sweep.by_status.items():
            statuses[name] = statuses.get(name, 0) + count
    holder = reader.holder()
    last = progress.sweeps[-1] if progress.sweeps else None
    running = None
    if holder is not None and last is not None and last.end is None:
        running = {
            "sweep_id": last.begin.sweep_id,
            "started": last.begin.started,
            "host": last.begin.host,
            "command": last.begin.command,
            "rows": last.rows,
            "pid": holder.pid,
        }
    return {
        "rows": progress.rows,
        "bytes": progress.bytes,
        "files": progress.files,
        "by_status": statuses,
        "studies": [
            {"study": s.name, "digest": digest, "stored": s.rows, "experiments": sizes.get(s.name)}
            for digest, s in progress.studies.items()
        ],
        "best": {str(target): fewest for target, fewest in best.weights.items()},
        "best_text": str(best),
        "running": running,
    }
