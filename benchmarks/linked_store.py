"""A store of arbitrarily many rows that takes little disk space.

Lock, log, index sets, names and the calls that make a commit durable are real. All data files are
hard links to one file, so nothing is encoded or written for them; `benchmarks.sweep` measures their
cost with the real writer.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from search.indices import IndexSet
from storage import durable
from storage.data.new_parts import make_part
from storage.log.entries import RowsCommitted, SweepBegin
from storage.paths import StorePaths
from storage.writing.committer import Committer

FILE_ROWS = 16_384
"""Rows per data file, as `storage.writing.writer` makes them when rows arrive fast."""


class LinkedStore:
    """The methods of a store's writer that the driver loop and a plan use.

    Args:
        path: folder of the store.
        sweep: the sweep that the rows belong to.
        templates: rows of `RESULT_SCHEMA` that the data files repeat.
    """

    def __init__(self, path: Path, sweep: SweepBegin, templates: pa.RecordBatch) -> None:
        self.paths = StorePaths(path)
        self.commits = 0
        self._committer = Committer(self.paths.root, command="benchmark")
        self._committer.publish(sweep)
        self._sweep = sweep
        self._templates = templates
        self._first: RowsCommitted | None = None
        self._waiting = IndexSet()

    def stored(self, study_digest: str) -> IndexSet:
        """Return the indices of a study that are in the log."""
        return self._committer.state.stored(study_digest)

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Count rows, and commit when there are enough for a data file.

        Raises:
            ValueError: some rows are stored or buffered already, or rows are missing.
        """
        repeated = (indices & self.stored(study_digest)) | (indices & self._waiting)
        if repeated or batch.num_rows != len(indices):
            raise ValueError(f"{batch.num_rows} rows for {indices.intervals}, repeated: {repeated}")
        self._waiting = self._waiting | indices
        committed = 0
        while len(self._waiting) >= FILE_ROWS:
            indices, self._waiting = self._waiting.take(FILE_ROWS)
            self._commit(indices, study_digest, study_name)
            committed += FILE_ROWS
        return committed

    def poll(self) -> int:
        """Commit nothing: rows may wait indefinitely."""
        return 0

    def finish(self, study_digest: str, study_name: str) -> None:
        """Commit the buffered rows and release the lock."""
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
        column = rows.schema.get_field_index("sweep_id")
        sweeps = pa.array([self._sweep.sweep_id] * rows.num_rows)
        rows = rows.set_column(column, rows.schema.field(column), sweeps)
        return make_part(self.paths, rows, {digest: indices}, {digest: name})


def _repeated(templates: pa.RecordBatch, count: int) -> pa.Table:
    """Repeat rows up to `count`, with random weights and biases, which do not compress."""
    rows = pa.Table.from_batches([templates]).take(np.arange(count) % templates.num_rows)
    random = np.random.default_rng(0)
    for name in ("weights", "biases"):
        index = rows.schema.get_field_index(name)
        column = rows.column(index).combine_chunks()
        values = random.normal(size=len(column.values)).astype(np.float32)
        lists = pa.ListArray.from_arrays(column.offsets, pa.array(values), type=column.type)
        rows = rows.set_column(index, rows.schema.field(index), lists)
    return rows
