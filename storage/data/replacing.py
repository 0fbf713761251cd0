"""Finding rows in data files, and making the files that replace them when rows are removed.

Data files are read as by `storage.data.parts`, and raise the same errors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.new_parts import make_part
from storage.data.parts import blocks_of, index_array, read_columns, read_part
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths

StudyIndices = Mapping[str, IndexSet]
"""Digest of a study -> indices of some of its rows."""

NewPart = tuple[pa.Buffer, RowsCommitted]
"""Bytes of a data file, and the entry that names it."""


def indices_in(part: RowsCommitted, wanted: StudyIndices) -> dict[str, IndexSet]:
    """Return those of the wanted rows that a data file holds."""
    return {
        digest: indices
        for digest, intervals in part.indices.items()
        if digest in wanted and (indices := IndexSet.of(intervals) & wanted[digest].near(intervals))
    }


def parts_without_rows(
    paths: StorePaths, parts: Iterable[RowsCommitted], removed: StudyIndices
) -> Iterator[NewPart]:
    """Yield, for each data file that keeps any row, a new one without the removed rows."""
    for part in parts:
        left_out = indices_in(part, removed)
        kept = {
            digest: indices
            for digest, intervals in part.indices.items()
            if (indices := IndexSet.of(intervals) - left_out.get(digest, IndexSet()))
        }
        if not kept:
            continue
        rows = read_part(paths, part)
        mask = [
            np.isin(indices, index_array(kept.get(digest, IndexSet())))
            for digest, indices, _ in blocks_of(part)
        ]
        yield make_part(paths, rows.filter(pa.array(np.concatenate(mask))), kept, part.studies)


def find_rows(
    paths: StorePaths, parts: Iterable[RowsCommitted], column: str, values: pa.Array
) -> Iterator[tuple[str, int, str]]:
    """Yield study digest, index and experiment id of rows whose column has one of the values."""
    for part in parts:
        rows = read_columns(paths, part, sorted({"experiment_id", column}))
        found = pc.is_in(rows.column(column), values).to_numpy().nonzero()[0]
        ids = rows.column("experiment_id").take(pa.array(found)).to_numpy()
        for digest, indices, block in blocks_of(part):
            ours = (block.start <= found) & (found < block.stop)
            some = indices[found[ours] - block.start].tolist()
            yield from zip(repeat(digest), some, ids[ours].tolist(), strict=False)


class RowLocations:
    """Locations of some stored rows, given as study digest, index and experiment id."""

    def __init__(self, rows: Iterable[tuple[str, int, str]] = ()) -> None:
        self._locations = {experiment_id: (digest, index) for digest, index, experiment_id in rows}
        self._by_study: StudyIndices | None = None

    def __len__(self) -> int:
        return len(self._locations)

    @property
    def ids(self) -> IdSet:
        """Ids of the experiments."""
        return IdSet.of_hex(self._locations)

    def indices(self, study_digest: str) -> IndexSet:
        """Return the indices of one study's rows."""
        if self._by_study is None:
            self._by_study = _by_study(self._locations.values())
        return self._by_study.get(study_digest, IndexSet())

    def locate(self, experiment_ids: Iterable[str]) -> StudyIndices:
        """Return the rows of some experiments; ids that are not here are ignored.

        Rows are found by id because an experiment has another index after its sweep file is edited.
        """
        return _by_study(self._locations[one] for one in experiment_ids if one in self._locations)

    def discard(self, experiment_ids: Iterable[str]) -> None:
        """Drop the rows of some experiments."""
        for experiment_id in experiment_ids:
            self._locations.pop(experiment_id, None)
        self._by_study = None


def _by_study(locations: Iterable[tuple[str, int]]) -> StudyIndices:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for digest, index in locations:
        found[digest].append(index)
    return {digest: IndexSet.from_indices(indices) for digest, indices in found.items()}
