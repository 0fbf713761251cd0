"""The writer of a sweep's rows: they are stored when their log entry is, and not before."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.parts import ids_of_other_versions, make_part
from storage.data.pending import PendingPart
from storage.data.replacing import find_rows
from storage.errors import SweepError
from storage.log.entries import RowsCommitted, Status, SweepBegin, SweepEnd, no_rows_by_status
from storage.writing.editor import StoreEditor
from storage.writing.row_locations import RowLocations


@dataclass
class SweepTotals:
    """Totals of what the current sweep has stored; buffered rows do not count.

    Attributes:
        stored: number of rows.
        by_status: status -> number of rows.
        train_seconds: core seconds of training.
        parts: number of data files.
        bytes: total size of those files.
    """

    stored: int = 0
    by_status: dict[Status, int] = field(default_factory=no_rows_by_status)
    train_seconds: float = 0.0
    parts: int = 0
    bytes: int = 0

    def add(self, part: RowsCommitted) -> None:
        """Count a data file that is now stored."""
        self.stored += part.rows
        self.train_seconds += part.train_seconds
        self.parts += 1
        self.bytes += part.bytes
        for status, count in part.by_status.items():
            self.by_status[status] += count


class StoreWriter(StoreEditor):
    """Writes the rows of sweeps to a store, beside what else can be changed in one.

    Rows are buffered, and committed together: the bytes of a Parquet file made in memory, written
    under a fresh name and made durable with its folder, then named by a log entry that is made
    durable likewise.

    Args:
        path: folder of the store.
        command: as for `StoreEditor`, as are the errors.
        max_rows: buffered rows at which a data file is written.
        max_seconds: age of the oldest buffered row at which one is due.
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
        self.totals = SweepTotals()
        self._max_rows = max_rows
        self._max_seconds = max_seconds
        self._pending = PendingPart()
        self._retried = RowLocations()
        self._sweep: SweepBegin | None = None
        self._sweep_since = 0.0

    @property
    def pending_rows(self) -> int:
        """Number of rows that are buffered, and lost if this process dies now."""
        return self._pending.rows

    def stored(self, study_digest: str) -> IndexSet:
        """The indices of a study that are stored; buffered and set aside ones are not."""
        return self._committer.state.stored(study_digest) - self._retried.indices(study_digest)

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        """Ids of a study's rows from before the study was edited.

        Args:
            study_name: of the study.
            study_digest: of the study as it is now, whose rows are left out.

        Raises:
            StoreDamaged: a file that has such rows is missing or cannot be read.
        """
        found = ids_of_other_versions(
            self.paths, self._committer.state.parts, study_name, study_digest
        )
        return found - self._retried.ids

    def retry(self, statuses: Iterable[Status]) -> int:
        """Rows of these statuses count as not stored from now on, for this writer.

        They stay stored until another row of the same experiment is committed: that commit takes
        the old row away and brings the new one, so that readers see one of them at any time.

        Returns:
            How many there are.

        Raises:
            StoreDamaged: a file that has such rows is missing or cannot be read.
        """
        wanted = list(statuses)
        parts = [p for p in self._committer.state.parts if any(p.by_status[s] for s in wanted)]
        values = pa.array(wanted, pa.string())
        self._retried = RowLocations(find_rows(self.paths, parts, "status", values))
        return len(self._retried)

    def begin_sweep(self, sweep: SweepBegin) -> str:
        """Begins a sweep, and returns its id; rows can be stored from now on.

        Raises:
            SweepError: one was begun and has not ended.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error.
        """
        if self._sweep is not None:
            raise SweepError(f"The sweep {self._sweep.sweep_id} has not ended yet.")
        self._committer.publish(sweep)
        self._sweep = sweep
        self._sweep_since = time.monotonic()
        self.totals = SweepTotals()
        return sweep.sweep_id

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Buffers results, and commits when enough rows or seconds have come together.

        Args:
            batch: rows of `search.schema.RESULT_SCHEMA`, all of one study.
            study_digest: digest of that study.
            study_name: its name.
            indices: the indices of exactly these rows.

        Returns:
            The number of rows that this call made durable, 0 where it only buffered.

        Raises:
            RowsRefused: the rows break the contract, or are stored or buffered already; none of
                this batch was buffered.
            SweepError: no sweep was begun.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error.
        """
        sweep = self._running_sweep()
        self._pending.add(
            batch, study_digest, study_name, indices, sweep, self.stored(study_digest)
        )
        if self._pending.rows >= self._max_rows:
            return self.commit()
        return self.poll()

    def poll(self) -> int:
        """Commits where the oldest buffered row is due; returns the number of rows made durable.

        Raises:
            WriteFailed: an input/output error.
        """
        return self.commit() if self._pending.age_s >= self._max_seconds else 0

    def commit(self) -> int:
        """Makes the buffered rows durable now, and returns their number.

        Raises:
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error; the log knows whether the rows are stored.
        """
        if not self._pending.rows:
            return 0
        self._running_sweep()
        data, part = make_part(
            self.paths,
            self._pending.table(),
            self._pending.intervals,
            self._pending.studies,
        )
        replaced = self._retried.locate(self._pending.ids)
        if replaced:
            self._replace_rows(replaced, [(data, part)])
            self._retried.discard(self._pending.ids)
        else:
            self._committer.publish_rows(data, part)
        self._pending = PendingPart()
        self.totals.add(part)
        return part.rows

    def end_sweep(
        self,
        outcome: Literal["finished", "interrupted", "failed"],
        *,
        skipped: int = 0,
        core_seconds: float = 0.0,
    ) -> None:
        """Commits what is buffered, and ends the sweep.

        Args:
            outcome: how it ended.
            skipped: number of wanted experiments that were stored already.
            core_seconds: seconds that the workers were at work, added up.

        Raises:
            SweepError: no sweep was begun.
            WriterClosed: the writer was stopped.
            WriteFailed: an input/output error.
        """
        sweep = self._running_sweep()
        self.commit()
        self._committer.publish(
            SweepEnd(
                sweep_id=sweep.sweep_id,
                ended=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                outcome=outcome,
                stored=self.totals.stored,
                skipped=skipped,
                by_status=self.totals.by_status,
                core_seconds=core_seconds,
                train_seconds=self.totals.train_seconds,
                wall_seconds=time.monotonic() - self._sweep_since,
            )
        )
        self._sweep = None

    def close(self) -> None:
        """Commits what is buffered unless writing failed before, and frees the lock.

        Raises:
            WriteFailed: an input/output error.
        """
        try:
            if not self._committer.stopped:
                self.commit()
        finally:
            super().close()

    def _running_sweep(self) -> SweepBegin:
        if self._sweep is None:
            raise SweepError("No sweep was begun: rows belong to a sweep.")
        return self._sweep
