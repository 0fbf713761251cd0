"""Merging the many small data files of a store into a few large ones.

A sweep writes a file every five seconds, and a query pays more for opening a small file than for
reading its rows. Compacting reads the small files in the order of their rows' indices and writes
new ones of up to `MAX_ROWS` rows. Files with at least half as many rows are left alone, so that
compacting repeatedly rewrites only what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from search.indices import IndexSet
from search.schema import SCHEMA_VERSION
from storage.data.new_parts import make_part
from storage.data.parts import blocks_of, read_part
from storage.data.replacing import NewPart, StudyIndices, indices_in
from storage.errors import StoreDamaged
from storage.log.entries import RowsCommitted
from storage.log.state import all_indices
from storage.marker import check_marker
from storage.paths import StorePaths
from storage.writing.committer import Committer

MAX_ROWS = 100_000
"""Maximum number of rows in a new file: 20 MB with the weights of the search's networks, and about
200 MB of memory while the file is made."""


@dataclass(frozen=True)
class Compacted:
    """Number of rows that were rewritten; number and size of data files, before and after."""

    rows: int
    files: tuple[int, int]
    bytes: tuple[int, int]


def compact_store(path: str | Path, *, command: str, max_rows: int = MAX_ROWS) -> Compacted:
    """Merge the small data files of a store, sorted by study and index.

    A single log entry replaces them all, so a process that dies before that entry has changed
    nothing. No row changes. The old files stay in their folder until the next process writes to the
    store (`storage.writing.committer`), because readers may have them open.

    Raises:
        NotAStore: there is no store.
        StoreError: as for `Committer`, or a file to be merged is damaged.
    """
    paths = StorePaths(path)
    check_marker(paths)  # the committer would create a store where there is none
    with Committer(path, command=command) as committer:
        before = committer.state.parts
        chosen = files_to_compact(before, max_rows)
        if chosen:
            names = [part.file for part in chosen]
            committer.publish_replacement(names, merged_parts(paths, chosen, max_rows))
        after = committer.state.parts
    return Compacted(
        sum(part.rows for part in chosen),
        (len(before), len(after)),
        (sum(part.bytes for part in before), sum(part.bytes for part in after)),
    )


def files_to_compact(parts: Sequence[RowsCommitted], max_rows: int) -> list[RowsCommitted]:
    """Return the data files to merge; none if that would not reduce their number."""
    # Files of an earlier schema are rewritten in any case: queries are faster when all files have
    # the same columns.
    old = {part.file for part in parts if part.schema_version < SCHEMA_VERSION}
    small = [part for part in parts if part.rows < max_rows // 2 or part.file in old]
    fewer = -(-sum(part.rows for part in small) // max_rows) < len(small)
    return small if fewer or old else []


def merged_parts(
    paths: StorePaths, parts: Sequence[RowsCommitted], max_rows: int
) -> Iterator[NewPart]:
    """Yield new data files with the same rows, by ascending study digest, then by index.

    Memory holds one new file and one of its sources at a time.

    Raises:
        StoreDamaged: a file is missing, was changed, or does not have the rows that its entry says.
    """
    studies = {digest: name for part in parts for digest, name in part.studies.items()}
    for share in _shares(parts, max_rows):
        yield make_part(paths, _rows_at(paths, parts, share), share, studies)


def _shares(parts: Sequence[RowsCommitted], max_rows: int) -> Iterator[dict[str, IndexSet]]:
    """Yield the rows of each new file; studies are in ascending order of their digests."""
    total = sum(part.rows for part in parts)
    files = -(-total // max_rows)
    waiting = dict(sorted(all_indices(parts).items()))
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


def _rows_at(paths: StorePaths, parts: Sequence[RowsCommitted], share: StudyIndices) -> pa.Table:
    """Return the rows of one new file, in their final order."""
    positions = {digest: position for position, digest in enumerate(share)}
    tables, studies, places = [], [], []
    for part in parts:
        wanted = indices_in(part, share)
        if not wanted:
            continue
        rows = read_part(paths, part)
        for digest, indices, block in blocks_of(part):
            if digest not in wanted:
                continue
            # Within a study, the rows of a new file lie between two indices.
            intervals = wanted[digest].intervals
            start, stop = np.searchsorted(indices, [intervals[0][0], intervals[-1][1]])
            # `take` copies; a slice would keep all rows of the file in memory.
            some = rows.take(pa.array(np.arange(start, stop) + block.start))
            if not np.array_equal(some.column("study_index").to_numpy(), indices[start:stop]):
                raise StoreDamaged(
                    paths.part(part.file), "its rows are not in the order that the log says"
                )
            tables.append(some)
            studies.append(np.full(stop - start, positions[digest]))
            places.append(indices[start:stop])
    order = np.lexsort((np.concatenate(places), np.concatenate(studies)))
    return pa.concat_tables(tables).combine_chunks().take(pa.array(order))
