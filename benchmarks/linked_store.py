"""A store of as many rows as one likes, on a disk that could not hold them.

Its lock, its log, its index sets and its names are real, and so is every call that makes a commit
durable. Only its data files are hard links to one and the same: nothing is checked, encoded or
written for them. What a data file costs is measured apart, with the real writer.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from search.indices import IndexSet
from storage import durable
from storage.data.parts import make_part
from storage.log.entries import RowsCommitted, SweepBegin
from storage.paths import StorePaths
from storage.writing.committer import Committer

FILE_ROWS = 16_384
"""Rows of a data file, as `storage.writing.writer` makes them when rows come fast."""


class LinkedStore:
    """What the driver loop and a plan ask of a store's writer.

    Args:
        path: folder of the store.
        sweep: begins; rows of it are appended.
        templates: rows of `RESULT_SCHEMA` that the data files repeat.
    """

    def __init__(self, path: Path, sweep: SweepBegin, templates: pa.RecordBatch) -> None:
        self.paths = StorePaths.of(path)
        self.commits = 0
        self._committer = Committer(self.paths, "benchmark")
        self._committer.publish(sweep)
        self._sweep = sweep
        self._templates = templates
        self._first: RowsCommitted | None = None
        self._waiting = IndexSet()

    def stored(self, study_digest: str) -> IndexSet:
        """The indices of a study that the log has."""
        return self._committer.state.stored(study_digest)

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Counts rows, and commits when there are enough of them for a data file.

        Raises:
            ValueError: some are stored or waiting already, or rows are missing.
        """
        again = (indices & self.stored(study_digest)) | (indices & self._waiting)
        if again or batch.num_rows != len(indices):
            raise ValueError(f"{batch.num_rows} rows for {indices.intervals}, again: {again}")
        self._waiting = self._waiting | indices
        committed = 0
        while len(self._waiting) >= FILE_ROWS:
            indices, self._waiting = self._waiting.take(FILE_ROWS)
            self._commit(indices, study_digest, study_name)
            committed += FILE_ROWS
        return committed

    def poll(self) -> int:
        """Rows wait for as long as it takes."""
        return 0

    def finish(self, study_digest: str, study_name: str) -> None:
        """Commits what waits, in a data file of its own, and frees the lock."""
        if self._waiting:
            rows = _repeated(self._templates, len(self._waiting))
            self._committer.publish_rows(*self._part(rows, self._waiting, study_digest, study_name))
        self._committer.close()

    def _commit(self, indices: IndexSet, digest: str, name: str) -> None:
        self.commits += 1
        if self._first is None:
            data, self._first = self._part(
                _repeated(self._templates, FILE_ROWS), indices, digest, name
            )
            self._committer.publish_rows(data, self._first)
            return
        named = {
            "file": self.paths.new_part().name,
            "indices": {digest: list(indices.intervals)},
            "studies": {digest: name},
        }
        part = self._first.model_copy(update=named)
        os.link(self.paths.part(self._first.file), self.paths.part(part.file))
        durable.sync_folder(self.paths.data)
        self._committer.publish(part)

    def _part(
        self, rows: pa.Table, indices: IndexSet, digest: str, name: str
    ) -> tuple[pa.Buffer, RowsCommitted]:
        place = rows.schema.get_field_index("sweep_id")
        sweeps = pa.array([self._sweep.sweep_id] * rows.num_rows)
        rows = rows.set_column(place, rows.schema.field(place), sweeps)
        return make_part(self.paths, rows, {digest: list(indices.intervals)}, {digest: name})


def _repeated(templates: pa.RecordBatch, count: int) -> pa.Table:
    """So many rows, with new weights and biases: repeated ones would take hardly any room."""
    rows = pa.Table.from_batches([templates]).take(np.arange(count) % templates.num_rows)
    random = np.random.default_rng(0)
    for name in ("weights", "biases"):
        place = rows.schema.get_field_index(name)
        column = rows.column(place).combine_chunks()
        drawn = random.normal(size=len(column.values)).astype(np.float32)
        lists = pa.ListArray.from_arrays(column.offsets, pa.array(drawn), type=column.type)
        rows = rows.set_column(place, rows.schema.field(place), lists)
    return rows
