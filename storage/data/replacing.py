"""Finding rows in data files, and making the files that replace them when rows are removed.

Data files are read as by `storage.data.parts`, and raise the same errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from search.id_set import IdSet
from search.indices import IndexSet
from storage.data.new_parts import make_part
from storage.data.parts import read_columns, read_part
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths

StudyIndices = Mapping[str, IndexSet]
"""Digest of a study -> indices of some of its rows."""

NewPart = tuple[pa.Buffer, RowsCommitted]
"""Bytes of a data file, and the entry that names it."""


def indices_in(part: RowsCommitted, wanted: StudyIndices) -> dict[str, IndexSet]:
    """Return those of the wanted rows that a data file holds."""
    found = {
        digest: IndexSet.of(intervals) & wanted[digest].near(intervals)
        for digest, intervals in part.indices.items()
        if digest in wanted
    }
    return {digest: indices for digest, indices in found.items() if indices}


def parts_without_rows(
    paths: StorePaths, parts: Iterable[RowsCommitted], removed: StudyIndices
) -> Iterator[NewPart]:
    """Yield, for each data file that keeps any row, a new one without the removed rows."""
    for part in parts:
        left_out = indices_in(part, removed)
        kept = {
            digest: IndexSet.of(intervals) - left_out.get(digest, IndexSet())
            for digest, intervals in part.indices.items()
        }
        kept = {digest: indices for digest, indices in kept.items() if indices}
        if not kept:
            continue
        rows = read_part(paths, part)
        mask = np.concatenate(
            [
                np.isin(indices, index_array(kept.get(digest, IndexSet())))
                for digest, indices in indices_of(part).items()
            ]
        )
        yield make_part(paths, rows.filter(pa.array(mask)), kept, part.studies)


def find_rows(
    paths: StorePaths, parts: Iterable[RowsCommitted], column: str, values: pa.Array
) -> Iterator[tuple[str, int, str]]:
    """Yield study digest, index and experiment id of rows whose column has one of the values."""
    for part in parts:
        rows = read_columns(paths, part, sorted({"experiment_id", column}))
        found = pc.is_in(rows.column(column), values).to_numpy().nonzero()[0]
        ids = rows.column("experiment_id").take(pa.array(found)).to_numpy()
        position = 0
        for digest, indices in indices_of(part).items():
            ours = (position <= found) & (found < position + len(indices))
            some = indices[found[ours] - position].tolist()
            yield from zip(repeat(digest), some, ids[ours].tolist(), strict=False)
            position += len(indices)


def indices_of(part: RowsCommitted) -> dict[str, NDArray[np.int64]]:
    """Return, for each study of a data file, int64 [rows]: the indices of its rows, in order."""
    return {digest: index_array(IndexSet.of(some)) for digest, some in part.indices.items()}


def index_array(indices: IndexSet) -> NDArray[np.int64]:
    """Return int64 [n]: the indices in ascending order."""
    ranges = [np.arange(start, stop, dtype=np.int64) for start, stop in indices.intervals]
    return np.concatenate([np.empty(0, np.int64), *ranges])


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
    found: dict[str, list[tuple[int, int]]] = {}
    for digest, index in locations:
        found.setdefault(digest, []).append((index, index + 1))
    return {digest: IndexSet.of(intervals) for digest, intervals in found.items()}
