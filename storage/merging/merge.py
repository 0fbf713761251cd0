"""Merging stores, such as the shards of a sweep.

Rows are committed file by file, like those of a sweep: a killed merge has merged some files, and
the same merge resumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from search.indices import IndexSet
from storage.data.parts import check_part_content, ids_of_other_versions, part_bytes
from storage.data.replacing import find_rows, indices_in, parts_without_rows
from storage.errors import MergeRefused
from storage.log.entries import RowsCommitted
from storage.log.init_entries import init_entry
from storage.merging.check import check_inits, check_parents, check_sweeps, conflicts, describe
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.remote.working_copy import store_name
from storage.writing.committer import Committer


@dataclass(frozen=True)
class MergedStore:
    """A store, by its folder or address, and how many of its rows another one lacked."""

    name: str
    rows: int
    copied: int


def merge_stores(
    sources: Sequence[str | Path], into: str | Path, *, command: str, take_first: bool = False
) -> list[MergedStore]:
    """Copy the contents of several stores into one, which is created if it does not exist.

    Rows are copied with their sweeps (which keep their ids), stored initialisations, and the
    choices of searches (if two stores made different choices, the first one's is kept). The sources
    are only read. All checks, of every byte of them too, come before the first write.

    Args:
        sources: folders of the stores, in order of precedence after `into`.
        into: folder of the destination.
        command: command line.
        take_first: whether to keep the first store's row if rows of an experiment differ.

    Raises:
        MergeRefused: rows of one experiment, initialisations of one name, or sweeps of one id
            differ; nothing was written.
        NotAStore, StoreDamaged, StoreVersion: as for `StoreReader`, of a source.
        StoreLocked: another process is writing to `into`.
        WriteFailed: an input/output error; what was committed stays, and the same merge resumes.
    """
    paths = StorePaths(into)
    _refuse_itself(paths, sources)
    with ExitStack() as stack:
        readers = [stack.enter_context(StoreReader(source)) for source in sources]
        for reader in readers:
            for part in reader.state.parts:
                check_part_content(reader.paths, part)
        if not paths.marker.exists():
            # Before the folder is created.
            _check(readers, take_first)
        committer = stack.enter_context(Committer(into, command=command))
        _check([stack.enter_context(StoreReader(into)), *readers], take_first)
        return [_Merge(committer, reader).run() for reader in readers]


def _refuse_itself(paths: StorePaths, sources: Sequence[str | Path]) -> None:
    roots = {paths.root.resolve()}
    for source in map(StorePaths, sources):
        if source.root.resolve() in roots:
            raise MergeRefused(f"{store_name(source)} is named twice; name each store once.")
        roots.add(source.root.resolve())


def _check(readers: Sequence[StoreReader], take_first: bool) -> None:
    check_inits(readers)
    check_sweeps(readers)
    conflicting = conflicts(readers)
    if conflicting and not take_first:
        lines = [line for conflict in conflicting for line in describe(*conflict)]
        raise MergeRefused(
            "Nothing was merged, because stores have different rows of the same experiments:\n"
            + "\n".join(lines)
            + "\nAdd --take-first to keep the rows of the store named first (the destination comes "
            "before all), or delete one store's rows with `sparsest forget`."
        )
    check_parents(conflicting)


class _Merge:
    """Copies one store into another."""

    def __init__(self, committer: Committer, source: StoreReader) -> None:
        self._into = committer
        self._source = source
        self._ids: dict[str, pa.Array] = {}
        # Rows added from the source need not be considered: it has no experiment twice.
        self._stored = {digest: committer.state.stored(digest) for digest in source.state.studies}

    def run(self) -> MergedStore:
        """Copy everything that the destination lacks."""
        state, source, publish = self._into.state, self._source.state, self._into.publish
        for name, init in source.inits.items():
            if name not in state.inits:
                publish(init_entry(name, init.digest, init.layers, init.found))
        for key, choice in source.searches.items():
            if key not in state.searches:
                publish(choice)
        # All begin before the first row: a data file may have rows of several sweeps.
        for sweep_id, sweep in source.sweeps.items():
            if sweep_id not in state.sweeps:
                publish(sweep.begin)
        copied = sum(self._copy(part) for part in source.parts)
        for sweep_id, sweep in source.sweeps.items():
            if sweep.end is not None and state.sweeps[sweep_id].end is None:
                publish(sweep.end)
        return MergedStore(store_name(self._source.paths), source.rows, copied)

    def _copy(self, part: RowsCommitted) -> int:
        """Commit the rows of a data file that the destination lacks; return their number."""
        stored = self._stored_rows(part)
        if not stored:
            data = part_bytes(self._source.paths, part)
            renamed = part.model_copy(update={"file": self._into.paths.new_part().name})
            self._into.publish_rows(pa.py_buffer(data), renamed)
            return part.rows
        rows = 0
        for data, rest in parts_without_rows(self._source.paths, [part], stored):
            self._into.publish_rows(data, rest)
            rows += rest.rows
        return rows

    def _stored_rows(self, part: RowsCommitted) -> dict[str, IndexSet]:
        """Return the rows of a data file that the destination has: study digest -> indices."""
        stored = indices_in(part, self._stored)
        for digest, name in part.studies.items():
            ids = self._ids_of_other_versions(name, digest)
            rows = find_rows(self._source.paths, [part], "experiment_id", ids) if len(ids) else ()
            same = IndexSet.from_indices(index for study, index, _ in rows if study == digest)
            if same:
                stored[digest] = stored.get(digest, IndexSet()) | same
        return stored

    def _ids_of_other_versions(self, name: str, digest: str) -> pa.Array:
        """Return the ids of a study's rows that the destination has under other digests."""
        if digest not in self._ids:
            into = self._into
            ids = ids_of_other_versions(into.paths, into.state.parts, name, digest)
            self._ids[digest] = pa.array([one.hex() for one in ids], pa.string())
        return self._ids[digest]
