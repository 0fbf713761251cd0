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
from storage.data.pending import PendingPart
from storage.data.replacing import RowLocations, find_rows
from storage.errors import SweepError
from storage.log.entries import Status, SweepBegin, SweepEnd
from storage.writing.editor import StoreEditor


class StoreWriter(StoreEditor):
    """Writes the rows of sweeps to a store, besides the changes of `StoreEditor`.

    Rows are buffered and committed together: a Parquet file is made in memory, written under a new
    name and made durable with its folder; then a log entry that names it is made durable likewise.
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

    @property
    def pending_rows(self) -> int:
        """Number of buffered rows, which are lost if this process dies now."""
        return self._pending.rows

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
