"""Summary of a store: progress of each study, and the sparsest networks at the paper's targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.display.formatting import counted, percent
from orchestrator.display.terminal import text_table
from search.paper_sizes import PAPER_SIZES, TARGETS
from storage.errors import StoreDamaged
from storage.reading.reader import StoreReader
from storage.status_files import read_planned

if TYPE_CHECKING:
    import pyarrow as pa

MAX_VERSIONS = 8
"""Maximum number of studies of one name that are listed one by one."""


@dataclass
class FewestWeights:
    """Fewest nonzero weights that reach each of some accuracies, for each data set.

    Attributes:
        by_dataset: data set -> accuracy -> weight_nnz; accuracies not reached yet are absent.
        targets: the accuracies.
    """

    by_dataset: dict[str, dict[float, int]] = field(default_factory=dict)
    targets: Sequence[float] = TARGETS

    @property
    def by_target(self) -> dict[float, int]:
        """Accuracy -> weight_nnz; empty with several data sets, which cannot be compared."""
        return next(iter(self.by_dataset.values())) if len(self.by_dataset) == 1 else {}

    def update(self, rows: pa.RecordBatch) -> None:
        """Include rows with the columns `dataset`, `accuracy` and `weight_nnz`.

        `dataset` may be a dictionary.
        """
        accuracy = number_array(rows.column("accuracy"))
        if not (accuracy >= min(self.targets)).any():
            return  # as in most of the driver's 1,000 tasks a second
        weights = number_array(rows.column("weight_nnz"))
        datasets = rows.column("dataset")
        if not hasattr(datasets, "dictionary"):
            datasets = datasets.dictionary_encode()
        codes = number_array(datasets.indices)
        names = datasets.dictionary.to_pylist()
        for target in self.targets:
            fewest = np.full(len(names), np.inf)
            reached = (accuracy >= target) & ~np.isnan(weights + codes)
            np.minimum.at(fewest, codes[reached].astype(np.intp), weights[reached])
            for index in np.flatnonzero(fewest < np.inf):
                known = self.by_dataset.setdefault(names[index], {})
                known[target] = min(int(fewest[index]), known.get(target, int(fewest[index])))

    def __str__(self) -> str:
        if not self.by_dataset:
            return f"none at {percent(self.targets[0])} yet"
        texts = {
            dataset: ", ".join(f"{counted(n, 'weight')} at {percent(t)}" for t, n in fewest.items())
            for dataset, fewest in self.by_dataset.items()
        }
        named = len(texts) > 1
        return "; ".join(f"{name}: {text}" if named else text for name, text in texts.items())


def number_array(column: pa.Array) -> NDArray[np.float64]:
    """Return a column of integers or floating-point numbers, NaN where it is NULL.

    `Array.to_numpy` would import pandas, which takes longer than `status`.

    Returns:
        float64 [rows].
    """
    validity, data = column.buffers()
    if data is None:
        return np.full(len(column), np.nan)
    ours = slice(column.offset, column.offset + len(column))
    numbers = np.frombuffer(data, column.type.to_pandas_dtype())[ours].astype(np.float64)
    if column.null_count:
        valid = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[ours]
        numbers[valid == 0] = np.nan
    return numbers


def fewest_weights(reader: StoreReader, targets: Sequence[float] = TARGETS) -> FewestWeights:
    """Return the fewest weights at each target over all rows of a store."""
    while True:
        fewest = FewestWeights(targets=targets)
        try:
            for rows in reader.batches(["dataset", "accuracy", "weight_nnz"]):
                fewest.update(rows)
        except StoreDamaged:
            if not reader.was_replaced():
                raise
        else:
            return FewestWeights(dict(sorted(fewest.by_dataset.items())), targets)


def stored_studies(reader: StoreReader) -> list[dict[str, Any]]:
    """Return the progress of each study in a store, one record per study digest.

    Another root seed or an edited sweep file gives a study of the same name another digest. Nothing
    is planned of an earlier version of the file, and the number of experiments of the newer version
    does not include those that the earlier one has stored.
    """
    planned, records = read_planned(reader.paths), []
    # Rows merged from another store are not planned either, but stored after those of this one.
    with_newer: set[str] = set()
    for digest, study in reversed(reader.state.studies.items()):
        size = PAPER_SIZES.get(study.name) or planned.get(digest, 0)
        # The number of planned experiments can be unknown, or exceeded after a merge.
        known = size if size >= study.rows else None
        earlier = digest not in planned and study.name in with_newer
        record = {"study": study.name, "digest": digest, "stored": study.rows}
        records.append({**record, "experiments": known, "earlier": earlier})
        if digest in planned:
            with_newer.add(study.name)
    return records[::-1]


def study_cells(studies: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return name, rows, size and progress of each study; versions distinguish equal names.

    The many studies of a search by a strategy, one for each round, share a row.
    """
    names = Counter(row["study"] for row in studies)
    studies = [row for row in studies if names[row["study"]] <= MAX_VERSIONS] + [
        {
            "study": f"{name} ({versions} parts)",
            "stored": sum(row["stored"] for row in studies if row["study"] == name),
            "experiments": None,
            "earlier": False,
        }
        for name, versions in names.items()
        if versions > MAX_VERSIONS
    ]
    cells = []
    for row in studies:
        name, stored, size = row["study"], row["stored"], row["experiments"]
        version = "earlier version" if row["earlier"] else "version"
        shown = name if names[name] <= 1 else f"{name} ({version} {row['digest'][:8]})"
        progress = (f"{size:,}", f"{stored / size:.1%}") if size else ("", "")
        cells.append((shown, f"{stored:,}", *progress))
    return cells


def studies_table(studies: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table with a line per study."""
    return text_table(("study", "stored", "of", "done"), study_cells(studies))
