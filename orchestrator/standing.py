"""How a store stands: what is stored of each study, what is best, what runs or ran last."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.table import Table

from orchestrator.best import TARGETS, Best
from orchestrator.show import counted
from search.paper import PAPER_STUDIES, paper_study
from storage.reader import Progress, StoreReader

REACHED = f"SELECT accuracy, weight_nnz FROM results WHERE accuracy >= {min(TARGETS)}"


def best_in_store(reader: StoreReader) -> Best:
    """The sparsest networks of a store."""
    best = Best()
    best.see(reader.sql(REACHED))
    return best


def stored_studies(progress: Progress) -> list[dict[str, Any]]:
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


def last_run(reader: StoreReader, progress: Progress) -> dict[str, Any] | None:
    """The sweep that runs or that ran last, and its state; None where nothing was run yet."""
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


def said_of(last: dict[str, Any] | None) -> str:
    """What `last_run` gives, in a line."""
    if last is None:
        return "nothing was run yet"
    said = "is running" if last["state"] == "running" else f"last run, {last['state']}"
    return (
        f"{said}: {last['command']} (begun {last['started']} on {last['host']}, "
        f"{counted(last['rows'], 'row')})"
    )


def studies_table(studies: list[dict[str, Any]]) -> Table:
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
