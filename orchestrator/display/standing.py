"""How a store stands: what is stored of each study, and what is best."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.table import Table

from orchestrator.display.best import TARGETS, Best
from search.paper import PAPER_STUDIES, paper_study
from storage.planned import read_planned
from storage.reading.reader import Progress, StoreReader

REACHED = f"SELECT accuracy, weight_nnz FROM results WHERE accuracy >= {min(TARGETS)}"


def best_in_store(reader: StoreReader) -> Best:
    """The sparsest networks of a store."""
    best = Best()
    best.see(reader.sql(REACHED))
    return best


def stored_studies(reader: StoreReader, progress: Progress) -> list[dict[str, Any]]:
    """What is stored of each study; another root seed or an edited file makes it another one."""
    sizes = {name: len(paper_study(name)) for name in PAPER_STUDIES}
    planned = read_planned(reader.paths)
    return [
        {
            "study": study.name,
            "digest": digest,
            "stored": study.rows,
            "experiments": sizes.get(study.name) or _asked_for(planned.get(digest), study.rows),
        }
        for digest, study in progress.studies.items()
    ]


def _asked_for(planned: int | None, stored: int) -> int | None:
    """What was planned of a study, unless more is stored, as after a merge."""
    return None if planned is None or planned < stored else planned


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
