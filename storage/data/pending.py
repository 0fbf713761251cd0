"""Buffered rows that will be written into one data file."""

from __future__ import annotations

import time

import pyarrow as pa

from search.indices import IndexSet
from storage.data.rows import check_rows
from storage.errors import RowsRefused
from storage.log.entries import PUBLISHED, SweepBegin


class PendingPart:
    """The rows of the next data file: their number, their ids, and digest -> name of studies."""

    def __init__(self) -> None:
        self.rows = 0
        self.studies: dict[str, str] = {}
        self.ids: set[str] = set()
        self._since: float | None = None
        self._indices: dict[str, IndexSet] = {}
        self._batches: dict[str, list[pa.RecordBatch]] = {}

    @property
    def age_s(self) -> float:
        """Seconds since the first row was added, by a monotonic clock; 0 without rows."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    @property
    def indices(self) -> dict[str, IndexSet]:
        """Digest of a study -> indices of its rows, in the order of `table`."""
        return dict(sorted(self._indices.items()))

    def add(
        self,
        batch: pa.RecordBatch,
        study_digest: str,
        study_name: str,
        indices: IndexSet,
        sweep: SweepBegin,
        stored: IndexSet,
    ) -> None:
        """Add results of one study, exactly those at the indices.

        Raises:
            RowsRefused: the rows break the contract, or one of them is stored or buffered already;
                none of them was added.
        """
        check_rows(batch, study_name, sweep.sweep_id, indices, published=sweep.device == PUBLISHED)
        if not batch.num_rows:
            return
        buffered = self._indices.get(study_digest, IndexSet())
        repeated = (indices & stored) | (indices & buffered)
        if repeated:
            raise RowsRefused(
                f"{len(repeated)} of these experiments of the study {study_name} ({study_digest}) "
                f"are stored or buffered already, for example index {repeated.intervals[0][0]}."
            )
        ids = set(batch.column("experiment_id").to_pylist())
        if len(ids) < batch.num_rows or not ids.isdisjoint(self.ids):
            raise RowsRefused(f"An experiment of {study_name} occurs twice.")
        self._since = time.monotonic() if self._since is None else self._since
        self.rows += batch.num_rows
        self.studies[study_digest] = study_name
        self._indices[study_digest] = buffered | indices
        self._batches.setdefault(study_digest, []).append(batch)
        self.ids |= ids

    def table(self) -> pa.Table:
        """Return all rows, by ascending digest of the study, then by index.

        Sorted rows take less room, and a query for some indices reads less of them.
        """
        return pa.concat_tables(
            pa.Table.from_batches(self._batches[digest]).sort_by("study_index")
            for digest in sorted(self._batches)
        )
