"""The writer of a sweep's rows. A row is stored when its log entry is published, not before."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.new_parts import make_part
from storage.data.parts import ids_of_other_versions
from storage.data.replacing import RowLocations, find_rows
from storage.data.rows import check_rows
from storage.errors import RowsRefused, SweepError
from storage.log.entries import PUBLISHED, Status, SweepBegin, SweepEnd
from storage.writing.editor import StoreEditor


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


class StoreWriter(StoreEditor):
    """Writes the rows of sweeps to a store, besides the changes of `StoreEditor`.

    Rows are buffered and committed together: a Parquet file is made in memory, written under a new
    name and made durable with its folder; then a log entry that names it is made durable too.
    They are committed when there are `max_rows` of them, or the oldest is `max_seconds` old. Errors
    are those of `Committer`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        command: str = "",
        max_rows: int = 16_384,
        max_seconds: float = 5.0,
    ) -> None:
        super().__init__(path, command=command)
        self._max_rows = max_rows
        self._max_seconds = max_seconds
        self._pending = PendingPart()
        self._retried = RowLocations()
        self._sweep: SweepBegin | None = None
        self._sweep_since = 0.0

    def stored(self, study_digest: str) -> IndexSet:
        """Return the stored indices of a study, without buffered ones and those to be retried."""
        return self.state.stored(study_digest) - self._retried.indices(study_digest)

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        """Return the ids of a study's rows that were stored before the study was edited.

        Raises:
            StoreDamaged: a file that has such rows is missing or cannot be read.
        """
        found = ids_of_other_versions(self.paths, self.state.parts, study_name, study_digest)
        return found - self._retried.ids

    def retry(self, statuses: Iterable[Status]) -> int:
        """Count rows of these statuses as not stored, and return their number, to train them again.

        They stay stored until a new row of the same experiment is committed. That commit exchanges
        the two rows, so that readers see one of them at any time.

        Raises:
            StoreDamaged: a file that has such rows is missing or cannot be read.
        """
        wanted = list(statuses)
        parts = [p for p in self.state.parts if any(p.by_status[s] for s in wanted)]
        values = pa.array(wanted, pa.string())
        self._retried = RowLocations(find_rows(self.paths, parts, "status", values))
        return len(self._retried)

    def begin_sweep(self, sweep: SweepBegin) -> str:
        """Start a sweep, to which rows can then be added, and return its id.

        Raises:
            SweepError: the last one has not ended.
        """
        if self._sweep is not None:
            raise SweepError(f"The sweep {self._sweep.sweep_id} has not ended yet.")
        self.publish(sweep)
        self._sweep = sweep
        self._sweep_since = time.monotonic()
        return sweep.sweep_id

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Buffer results of one study, exactly those at the indices, and commit when due.

        Returns:
            The number of rows that this call made durable, 0 if it only buffered.

        Raises:
            RowsRefused: the rows break the contract, or are stored or buffered already; nothing of
                this batch was buffered.
            SweepError: no sweep was started.
        """
        sweep, stored = self._running_sweep(), self.stored(study_digest)
        self._pending.add(batch, study_digest, study_name, indices, sweep, stored)
        return self.commit() if self._pending.rows >= self._max_rows else self.poll()

    def poll(self) -> int:
        """Commit if the oldest buffered row is old enough; return the number of committed rows."""
        return self.commit() if self._pending.age_s >= self._max_seconds else 0

    def commit(self) -> int:
        """Make the buffered rows durable now, and return their number."""
        if not self._pending.rows:
            return 0
        self._running_sweep()
        pending = self._pending
        data, part = make_part(self.paths, pending.table(), pending.indices, pending.studies)
        replaced = self._retried.locate(pending.ids)
        if replaced:
            self._replace_rows(replaced, [(data, part)])
            self._retried.discard(pending.ids)
        else:
            self.publish_rows(data, part)
        self._pending = PendingPart()
        return part.rows

    def end_sweep(
        self,
        outcome: Literal["finished", "interrupted", "failed"],
        *,
        skipped: int = 0,
        core_seconds: float = 0.0,
    ) -> None:
        """Commit what is buffered, and end the sweep.

        Raises:
            SweepError: no sweep was started.
        """
        sweep = self._running_sweep()
        self.commit()
        stored = self.state.sweeps[sweep.sweep_id]
        self.publish(
            SweepEnd(
                sweep_id=sweep.sweep_id,
                ended=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                outcome=outcome,
                stored=stored.rows,
                skipped=skipped,
                by_status=stored.by_status,
                core_seconds=core_seconds,
                train_seconds=stored.train_seconds,
                wall_seconds=time.monotonic() - self._sweep_since,
            )
        )
        self._sweep = None

    def close(self) -> None:
        """Commit what is buffered unless writing failed before, and free the lock."""
        try:
            if not self._stopped:
                self.commit()
        finally:
            super().close()

    def _running_sweep(self) -> SweepBegin:
        if self._sweep is None:
            raise SweepError("No sweep was started, and rows belong to a sweep.")
        return self._sweep
