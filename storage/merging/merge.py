"""Merging stores, such as the shards of a sweep.

Rows are committed file by file, like those of a sweep: a killed merge has merged some files, and
the same merge resumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

import pyarrow as pa

from search.indices import IndexSet
from storage.data.parts import check_part_content, ids_of_other_versions, part_bytes
from storage.data.replacing import find_rows, indices_in, parts_without_rows
from storage.errors import MergeRefused
from storage.log.entries import RowsCommitted, SweepBegin, SweepEnd
from storage.log.init_entries import init_entry
from storage.merging.compare import Comparison, compare
from storage.paths import StorePaths
from storage.reading.literals import sql_tuple
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
    _check_inits(readers)
    _check_sweeps(readers)
    conflicting = _conflicts(readers)
    if conflicting and not take_first:
        lines = []
        for first, second, compared in conflicting:
            count = compared.total.different + compared.total.lacking
            names = f"{store_name(first.paths)} and {store_name(second.paths)}"
            lines.append(f"{names}: {count:,} experiments with different rows")
            lines += [f"  {line}" for line in compared.details()]
        raise MergeRefused(
            "Nothing was merged, because stores have different rows of the same experiments:\n"
            + "\n".join(lines)
            + "\nAdd --take-first to keep the rows of the store named first (the destination comes "
            "before all), or delete one store's rows with `sparsest forget`."
        )
    _check_parents(conflicting)


def _check_inits(readers: Sequence[StoreReader]) -> None:
    """Check that stored initialisations of the same name are the same."""
    seen: dict[str, tuple[str, StoreReader]] = {}
    for reader in readers:
        for name, init in reader.state.inits.items():
            digest, first = seen.setdefault(name, (init.digest, reader))
            if digest != init.digest:
                raise MergeRefused(
                    f"The initialisation {name} is {digest} in {store_name(first.paths)} and "
                    f"{init.digest} in {store_name(reader.paths)}. A store has one initialisation "
                    "of each name, on which all rows that start from it depend: merge these stores "
                    "into different ones. Nothing was written."
                )


def _check_sweeps(readers: Sequence[StoreReader]) -> None:
    """Check that sweeps of the same id are the same."""
    begins: dict[str, SweepBegin] = {}
    ends: dict[str, SweepEnd] = {}
    for reader in readers:
        for sweep_id, sweep in reader.state.sweeps.items():
            same = begins.setdefault(sweep_id, sweep.begin) == sweep.begin
            if sweep.end is not None:
                same = same and ends.setdefault(sweep_id, sweep.end) == sweep.end
            if not same:
                raise MergeRefused(
                    f"The sweep {sweep_id} of {store_name(reader.paths)} differs from the sweep "
                    "with the same id in a store named before it. Nothing was written."
                )


Conflict = tuple[StoreReader, StoreReader, Comparison]
"""Two stores with different rows of the same experiment, and their differences."""


def _conflicts(readers: Sequence[StoreReader]) -> list[Conflict]:
    """Return the pairs of stores with different rows of the same experiment.

    Only stores that share experiments are compared: shards of one sweep take no time.
    """
    pairs = []
    for first, second in combinations(readers, 2):
        if shared := _shared_studies(first, second):
            compared = compare(first.data_files(), second.data_files(), shared)
            if compared.total.different or compared.total.lacking:
                pairs.append((first, second, compared))
    return pairs


def _check_parents(pairs: Sequence[Conflict]) -> None:
    """Check that no row loses the row whose weights it starts from (column `parent`).

    Of two stores with different rows of the same experiment, those of the first are kept. If it has
    another row of a parent in the second, the parent's children could not be made again.
    """
    for first, second, _ in pairs:
        parents = second.sql("SELECT DISTINCT parent FROM results WHERE parent IS NOT NULL")
        if not parents.num_rows:
            continue
        names = sql_tuple(parents.column("parent").to_pylist())
        query = (
            "SELECT experiment_id, backend, status, accuracy, loss FROM results "
            f"WHERE experiment_id IN {names} ORDER BY experiment_id"
        )
        kept = {row["experiment_id"]: row for row in first.sql(query).to_pylist()}
        for row in second.sql(query).to_pylist():
            if kept.get(row["experiment_id"], row) != row:
                raise MergeRefused(
                    f"Rows of {store_name(second.paths)} start from the weights of its row "
                    f"{row['experiment_id']}, and {store_name(first.paths)} has a different row of "
                    "that experiment: without theirs they could not be made again. Merge these "
                    "stores into different ones. Nothing was written."
                )


def _shared_studies(first: StoreReader, second: StoreReader) -> list[str]:
    """Return the names of the studies of which both stores may have the same experiments."""
    pairs = product(first.state.studies.items(), second.state.studies.items())
    return sorted(
        {
            study.name
            for (digest, study), (other_digest, other) in pairs
            # An edited sweep file has another digest, but may have some of the same experiments.
            if study.name == other.name
            and (digest != other_digest or study.indices & other.indices)
        }
    )


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
