"""Which data files of a store are put together, and the larger ones that take their place.

Files of few rows cost a query more than their rows do, and a sweep writes one every five seconds.
So the small ones are read in the order of their places and written anew, `MAX_ROWS` or fewer to a
file; one that has half as many rows is left as it is, so that to compact again and again rewrites
what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from search.indices import IndexSet
from search.schema import SCHEMA_VERSION
from storage.data.parts import make_part, read_part
from storage.data.replacing import NewPart, Places, indices_of, places_in
from storage.errors import StoreDamaged
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths

MAX_ROWS = 100_000
"""Rows of the largest file: 20 MB with the weights of the search's networks, and some 200 MB of
memory while it is made."""


def files_to_compact(
    parts: Sequence[RowsCommitted], max_rows: int = MAX_ROWS
) -> list[RowsCommitted]:
    """The data files that are to be put together; none where that would not make them fewer.

    Args:
        parts: all data files of a store.
        max_rows: of a new file.
    """
    small = [part for part in parts if _is_small(part, max_rows)]
    # Those of an earlier version are rewritten in any case: a query over files that all have the
    # same columns is faster.
    old = [part for part in small if part.schema_version < SCHEMA_VERSION]
    fewer = -(-sum(part.rows for part in small) // max_rows) < len(small)
    return small if fewer or old else []


def gathered(
    paths: StorePaths, parts: Sequence[RowsCommitted], max_rows: int = MAX_ROWS
) -> Iterator[NewPart]:
    """Yields new data files with the same rows, by ascending digest of the study, then by index.

    One at a time is held in memory, and one of those that it is made from.

    Args:
        paths: of the store.
        parts: the data files that are put together.
        max_rows: of a new file; the new ones have about equally many.

    Raises:
        StoreDamaged: a file is missing, was changed, or does not have the rows that it should.
    """
    studies = {digest: name for part in parts for digest, name in part.studies.items()}
    for places in _shares(parts, max_rows):
        rows = _rows_at(paths, parts, places)
        intervals = {digest: list(indices.intervals) for digest, indices in places.items()}
        yield make_part(paths, rows, intervals, {digest: studies[digest] for digest in places})


def _is_small(part: RowsCommitted, max_rows: int) -> bool:
    return part.rows < max_rows // 2 or part.schema_version < SCHEMA_VERSION


def _shares(parts: Sequence[RowsCommitted], max_rows: int) -> Iterator[dict[str, IndexSet]]:
    """Yields the places of each new file's rows; the studies by ascending digest."""
    total = sum(part.rows for part in parts)
    files = -(-total // max_rows)
    waiting = dict(sorted(_all_places(parts).items()))
    for number in range(files):
        wanted = total * (number + 1) // files - total * number // files
        share: dict[str, IndexSet] = {}
        while wanted:
            digest, indices = next(iter(waiting.items()))
            share[digest], rest = indices.take(wanted)
            wanted -= len(share[digest])
            if rest:
                waiting[digest] = rest
            else:
                del waiting[digest]
        yield share


def _all_places(parts: Sequence[RowsCommitted]) -> dict[str, IndexSet]:
    intervals: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        for digest, some in part.indices.items():
            intervals.setdefault(digest, []).extend(some)
    return {digest: IndexSet.of(some) for digest, some in intervals.items()}


def _rows_at(paths: StorePaths, parts: Sequence[RowsCommitted], places: Places) -> pa.Table:
    """The rows at some places, in the order of a data file."""
    tables, ranks = [], []
    first = _first_ranks(places)
    for part in parts:
        wanted = places_in(part, places)
        if not wanted:
            continue
        rows = read_part(paths, part)
        before = 0
        for digest, indices in indices_of(part).items():
            if digest in wanted:
                # The places of a new file lie together: within one study, between two of them.
                low, high = _bounds(wanted[digest])
                start, stop = np.searchsorted(indices, [low, high])
                # Taken, not sliced: a slice would hold on to all rows of the file.
                tables.append(rows.take(pa.array(np.arange(start, stop) + before)))
                _check_places(paths, part, tables[-1], indices[start:stop])
                ranks.append(first[digest] + indices[start:stop])
            before += len(indices)
    order = np.argsort(np.concatenate(ranks), kind="stable")
    return pa.concat_tables(tables).combine_chunks().take(pa.array(order))


def _check_places(
    paths: StorePaths, part: RowsCommitted, rows: pa.Table, indices: NDArray[np.int64]
) -> None:
    """Passes where rows are those of the places that the log gives them."""
    if not np.array_equal(rows.column("study_index").to_numpy(), indices):
        raise StoreDamaged(
            paths.part(part.file), "its rows do not stand in the order that the log says"
        )


def _first_ranks(places: Places) -> Mapping[str, int]:
    """What to add to an index so that rows are ordered by study first."""
    first, so_far = {}, 0
    for digest, indices in places.items():
        low, high = _bounds(indices)
        first[digest] = so_far - low
        so_far += high - low
    return first


def _bounds(indices: IndexSet) -> tuple[int, int]:
    """The smallest of some indices, and the one behind the greatest."""
    return indices.intervals[0][0], indices.intervals[-1][1]
