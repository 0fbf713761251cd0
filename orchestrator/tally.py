"""The counts of a sweep."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass
class Tally:
    """The counts of one sweep.

    Attributes:
        total: number of experiments of the sweep; None if it is not known before the end.
        trained: rows received, including failed ones.
        busy_s: wall-clock seconds of all workers, added up.
        train_s: the part of `busy_s` spent on training.
        work_left: estimated fraction of the work that remains, from 1 to 0. Experiments differ in
            cost by a factor of ten thousand, so it does not follow from their number.
        interrupted: True if the run stopped before everything was trained.
    """

    total: int | None = 0
    trained: int = 0
    failed: int = 0
    busy_s: float = 0.0
    train_s: float = 0.0
    work_left: float = 1.0
    interrupted: bool = False

    def add_rows(self, rows: pa.RecordBatch) -> None:
        """Count rows of `search.schema.RESULT_SCHEMA`."""
        self.trained += rows.num_rows
        self.failed += pc.sum(pc.equal(rows.column("status"), "failed")).as_py() or 0
        self.train_s += (pc.sum(rows.column("train_ms")).as_py() or 0) / 1000
