"""Several stores made one: the shards of a sweep, brought together.

What is committed is committed as any other rows are, file by file, so a merge that was killed has
merged some of them, and the same merge again goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from search.indices import IndexSet
from storage.data.parts import ids_of_other_versions, part_bytes
from storage.data.replacing import find_rows, indices_in, parts_without_rows
from storage.errors import MergeRefused
from storage.log.entries import RowsCommitted
from storage.log.inits import init_entry
from storage.merging.check import (
    check_inits,
    check_sources,
    check_sweeps,
    conflicts,
    describe,
)
from storage.merging.compare import Comparison
from storage.paths import StorePaths
from storage.reading.reader import StoreReader
from storage.remote.origin import store_name
from storage.writing.committer import Committer


@dataclass(frozen=True)
class Merged:
    """What came of one of the stores.

    Attributes:
        name: its folder, or where on S3 it is.
        rows: that it has.
        copied: those of them that were not there yet.
    """

    name: str
    rows: int
    copied: int


def merge_stores(
    sources: Sequence[str | Path], into: str | Path, *, command: str, take_first: bool = False
) -> list[Merged]:
    """Brings what several stores have into one, which is made if there is none.

    Rows come with their sweeps, under the sweeps' own ids, with the stored initialisations and with
    what searches have chosen (where two stores chose otherwise, the first one's choice stays). The
    sources are only read, and every byte of them is checked. Everything is checked before anything
    is written.

    Args:
        sources: folders of the stores, in order of precedence behind `into`.
        into: folder of the store that they are brought into.
        command: the command line.
        take_first: where rows of one experiment differ, that of the first store stays.

    Returns:
        What came of each source.

    Raises:
        MergeRefused: rows of one experiment, initialisations of one name, or sweeps of one id
            differ; nothing was written.
        NotAStore: a source is none.
        StoreDamaged: a file of a source is not what was written.
        StoreLocked: another process is writing to `into`.
        StoreVersion: a newer version of sparsest wrote one of them.
        WriteFailed: an input/output error; what was committed stays, and the same merge goes on.
    """
    paths = StorePaths.of(into)
    _refuse_itself(paths, sources)
    with ExitStack() as stack:
        readers = [stack.enter_context(StoreReader(source)) for source in sources]
        check_sources(readers)
        if not paths.marker.exists():
            # Refused before there is even a folder.
            _check(readers, take_first)
        committer = Committer(paths, command)
        stack.callback(committer.close)
        _check([stack.enter_context(StoreReader(into)), *readers], take_first)
        return [_Merge(committer, paths, reader).run() for reader in readers]


def _refuse_itself(paths: StorePaths, sources: Sequence[str | Path]) -> None:
    seen = {paths.root.resolve()}
    for source in map(StorePaths.of, sources):
        root = source.root.resolve()
        if root in seen:
            raise MergeRefused(f"{store_name(source)} is named twice: name each store once.")
        seen.add(root)


def _check(readers: Sequence[StoreReader], take_first: bool) -> None:
    check_inits(readers)
    check_sweeps(readers)
    found: list[tuple[StoreReader, StoreReader, Comparison]] = conflicts(readers)
    if found and not take_first:
        lines = [line for conflict in found for line in describe(*conflict)]
        raise MergeRefused(
            "Nothing was merged, because stores have different rows of the same experiments:\n"
            + "\n".join(lines)
            + "\nSay --take-first to keep the row of the store named first (what is merged into "
            "comes before all), or remove one store's rows with `sparsest forget`."
        )


class _Merge:
    """Bringing one store into another."""

    def __init__(self, committer: Committer, paths: StorePaths, source: StoreReader) -> None:
        self._committer = committer
        self._paths = paths
        self._source = source
        self._ids: dict[str, pa.Array] = {}
        # The source has no experiment twice: what it adds itself needs no looking into.
        self._there = {
            digest: committer.state.stored(digest) for digest in source.progress().studies
        }

    def run(self) -> Merged:
        """Copies what is not there yet."""
        state, source = self._committer.state, self._source
        for name, init in source.inits.items():
            if name not in state.inits:
                entry = init_entry(name, init.digest, init.layers, init.found)
                self._committer.publish(entry)
        for key, choice in source.searches.items():
            if key not in state.searches:
                self._committer.publish(choice)
        sweeps = source.progress().sweeps
        # All begin first: a data file may hold rows of several.
        for sweep in sweeps:
            if sweep.begin.sweep_id not in state.sweeps:
                self._committer.publish(sweep.begin)
        copied = sum(self._copy(part) for part in source.parts)
        for sweep in sweeps:
            if sweep.end is not None and state.sweeps[sweep.begin.sweep_id].end is None:
                self._committer.publish(sweep.end)
        name = store_name(source.paths)
        return Merged(name, sum(part.rows for part in source.parts), copied)

    def _copy(self, part: RowsCommitted) -> int:
        """Commits those rows of a data file that are not there yet; returns their number."""
        there = self._there_already(part)
        if not there:
            data = part_bytes(self._source.paths, part)
            renamed = part.model_copy(update={"file": self._paths.new_part().name})
            self._committer.publish_rows(pa.py_buffer(data), renamed)
            return part.rows
        rows = 0
        for data, rest in parts_without_rows(self._source.paths, [part], there):
            self._committer.publish_rows(data, rest)
            rows += rest.rows
        return rows

    def _there_already(self, part: RowsCommitted) -> dict[str, IndexSet]:
        """Rows of a data file whose experiments the other store has, by digest of the study."""
        there = indices_in(part, self._there)
        for digest, name in part.studies.items():
            ids = self._ids_of_other_versions(name, digest)
            if len(ids):
                for found, index, _ in find_rows(self._source.paths, [part], "experiment_id", ids):
                    if found == digest:
                        one = IndexSet.of([(index, index + 1)])
                        there[digest] = there.get(digest, IndexSet()) | one
        return there

    def _ids_of_other_versions(self, name: str, digest: str) -> pa.Array:
        """Ids of experiments of a study that the other store has under other digests."""
        if digest not in self._ids:
            found = ids_of_other_versions(self._paths, self._committer.state.parts, name, digest)
            self._ids[digest] = pa.array([one.hex() for one in found], pa.string())
        return self._ids[digest]
