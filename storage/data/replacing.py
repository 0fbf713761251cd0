"""Taking rows out of data files: what the files that replace them hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from search.indices import IndexSet
from storage.data.parts import check_part_size, make_part, read_part
from storage.errors import DataFileDamaged
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths

Places = Mapping[str, IndexSet]
"""Digest of a study -> indices: some rows of a store, by where they stand."""

NewPart = tuple[pa.Buffer, RowsCommitted]
"""Bytes of a data file, and the entry that names it."""


def places_in(part: RowsCommitted, places: Places) -> dict[str, IndexSet]:
    """Those of the rows that a data file holds."""
    found = {
        digest: IndexSet.of(intervals) & places[digest].near(intervals)
        for digest, intervals in part.indices.items()
        if digest in places
    }
    return {digest: indices for digest, indices in found.items() if indices}


def without(paths: StorePaths, parts: Iterable[RowsCommitted], gone: Places) -> Iterator[NewPart]:
    """Yields a new data file with the other rows of each of the parts that has any.

    Args:
        paths: of the store whose files they are.
        parts: the data files.
        gone: rows to leave out.

    Raises:
        DataFileDamaged: a file is missing, or was changed.
    """
    for part in parts:
        left_out = places_in(part, gone)
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
                np.isin(indices, _array(kept.get(digest, IndexSet())))
                for digest, indices in indices_of(part).items()
            ]
        )
        intervals = {digest: list(indices.intervals) for digest, indices in kept.items()}
        studies = {digest: part.studies[digest] for digest in kept}
        yield make_part(paths, rows.filter(pa.array(mask)), intervals, studies)


def places_of(
    paths: StorePaths, parts: Iterable[RowsCommitted], column: str, values: pa.Array
) -> Iterator[tuple[str, int, str]]:
    """Yields digest of the study, index and experiment id of the rows that have certain values.

    Args:
        paths: of the store.
        parts: data files to look into.
        column: that is compared.
        values: any of them will do.

    Raises:
        DataFileDamaged: a file is missing, of another size, or cannot be read.
    """
    for part in parts:
        check_part_size(paths, part)
        file = paths.part(part.file)
        try:
            rows = pq.read_table(file, columns=sorted({"experiment_id", column}), partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise DataFileDamaged(file, f"cannot be read ({error})") from error
        if rows.num_rows != part.rows:
            raise DataFileDamaged(file, f"has {rows.num_rows} rows; the log says {part.rows}")
        found = pc.is_in(rows.column(column), values).to_numpy().nonzero()[0]
        ids = rows.column("experiment_id").take(pa.array(found)).to_numpy()
        before = 0
        for digest, indices in indices_of(part).items():
            ours = (before <= found) & (found < before + len(indices))
            some = indices[found[ours] - before].tolist()
            yield from zip(repeat(digest), some, ids[ours].tolist(), strict=False)
            before += len(indices)


def indices_of(part: RowsCommitted) -> dict[str, NDArray[np.int64]]:
    """Digest of each study of a data file -> int64 [rows], the indices of its rows, in order."""
    return {digest: _array(IndexSet.of(some)) for digest, some in part.indices.items()}


def _array(indices: IndexSet) -> NDArray[np.int64]:
    ranges = [np.arange(start, stop, dtype=np.int64) for start, stop in indices.intervals]
    return np.concatenate([np.empty(0, np.int64), *ranges])
