"""Summary of a store: progress of each study, and the sparsest networks at the paper's targets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table

from orchestrator.display.formatting import counted
from search.paper import PAPER_STUDIES, TARGETS, paper_study
from storage.planned import read_planned
from storage.reading.reader import Progress, StoreReader


@dataclass
class FewestWeights:
    """Fewest nonzero weights of any network that reaches each accuracy in `TARGETS`.

    Attributes:
        by_target: accuracy -> weight_nnz; accuracies not reached yet are absent.
    """

    by_target: dict[float, int] = field(default_factory=dict)

    def update(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Include rows with the columns `accuracy` and `weight_nnz`."""
        highest = pc.max(rows.column("accuracy")).as_py()
        for target in TARGETS:
            if highest is None or highest < target:
                continue  # skips the filter below for most of the driver's 1,000 tasks a second
            reached = pc.fill_null(pc.greater_equal(rows.column("accuracy"), target), False)
            fewest = pc.min(pc.filter(rows.column("weight_nnz"), reached)).as_py()
            if fewest is not None:
                self.by_target[target] = min(fewest, self.by_target.get(target, fewest))

    def __str__(self) -> str:
        if not self.by_target:
            return f"none at {_percent(TARGETS[0])} yet"
        return ", ".join(
            f"{counted(fewest, 'weight')} at {_percent(target)}"
            for target, fewest in self.by_target.items()
        )


def fewest_weights(reader: StoreReader) -> FewestWeights:
    """Return the fewest weights at each target over all rows of a store."""
    fewest = FewestWeights()
    fewest.update(
        reader.sql(f"SELECT accuracy, weight_nnz FROM results WHERE accuracy >= {min(TARGETS)}")
    )
    return fewest


def stored_studies(reader: StoreReader, progress: Progress) -> list[dict[str, Any]]:
    """Return the progress of each study in a store, one record per study digest.

    Another root seed or an edited sweep file gives a study of the same name another digest.
    """
    sizes = {name: len(paper_study(name)) for name in PAPER_STUDIES}
    planned = read_planned(reader.paths)
    return [
        {
            "study": study.name,
            "digest": digest,
            "stored": study.rows,
            "experiments": sizes.get(study.name) or _planned_size(planned.get(digest), study.rows),
        }
        for digest, study in progress.studies.items()
    ]


def _planned_size(planned: int | None, stored: int) -> int | None:
    """Number of planned experiments; None if unknown or exceeded, as after a merge."""
    return None if planned is None or planned < stored else planned


def studies_table(studies: list[dict[str, Any]]) -> Table:
    """Return a table with a row per study; digests tell studies of one name apart."""
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


def _percent(accuracy: float) -> str:
    return f"{100 * accuracy:g} %"
