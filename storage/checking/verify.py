"""Checking a store against its log: every byte, and the rows in the data files."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search.catalogue import named_study
from search.study import Study
from storage.checking.verify_part import FROM_A_COPY, Ids, StoreFinding, check_part
from storage.data.parts import check_part_content, check_part_schema
from storage.errors import StoreDamaged, StoreError
from storage.lock import current_holder
from storage.log.files import read_state
from storage.log.state import StoreState
from storage.marker import check_marker
from storage.paths import StorePaths, is_part, is_system_file
from storage.unnamed import FolderListing

_MAX_SEEDS = 64
"""Maximum number of root seeds that are tried for a study; each takes time for its digest."""


@dataclass(frozen=True)
class Inspection:
    """Result of inspecting a store: numbers of log entries, data files, their rows and bytes.

    Attributes:
        problems: everything that contradicts the log.
        leftovers: files that the store does not need; they are no problem.
        ids_by_study: number of rows whose id and settings were derived again from study and index.
        ids_by_row: number of rows whose id was derived again from their own columns, because their
            study is that of a sweep file that was not given.
    """

    problems: list[StoreFinding] = field(default_factory=list)
    leftovers: list[StoreFinding] = field(default_factory=list)
    entries: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    ids_by_study: int = 0
    ids_by_row: int = 0


_REMOVED_BY_WRITER = "nothing: the next process that writes to the store removes it"
_MOVE_AWAY = "nothing reads it: move it away"
_IGNORED = "nothing: it is ignored"
_REMOVE = "nothing reads its files: remove the folder when you do not need them any more"
_REBUILD = (
    "`sparsest verify --rebuild` adds its rows to the log; otherwise the next process that writes "
    "moves it to the quarantine"
)
_UNEXPLAINED = "no log entry names it, although its writer did not die while it wrote it"
_EARLIER_QUARANTINE = "set-aside"


class StoreListing(FolderListing):
    """All files in the folders of a store, listed before the log is read.

    Raises:
        StoreError: a folder cannot be listed.
    """

    def __init__(self, paths: StorePaths) -> None:
        try:
            super().__init__(paths)
            folders = (paths.root, paths.data, paths.tmp, paths.log)
            listed = [sorted(folder.iterdir()) for folder in folders if folder.is_dir()]
        except OSError as error:
            raise StoreError(f"Could not list {error.filename}: {error.strerror}.") from error
        self._files = [file for files in listed for file in files]

    def unneeded(self, state: StoreState) -> Iterator[StoreFinding]:
        """Yield the files that the store does not need.

        Meaningful only while no process writes: files that are being written look the same.
        """
        named, orphans = {part.file for part in state.parts}, set(self.orphans(state.ever_named))
        for file in self._files:
            if file.parent == self._paths.data and file.name in named:
                continue
            problem = self._problem(file, state, is_orphan=file in orphans)
            if problem is not None:
                yield StoreFinding(os.fsencode(file).decode(errors="backslashreplace"), *problem)

    def _problem(self, file: Path, state: StoreState, *, is_orphan: bool) -> tuple[str, str] | None:
        """Return what is wrong with a file, and what to do about it; None if it belongs there."""
        paths, ignored = self._paths, is_system_file(file.name)
        if file.parent == paths.tmp:
            return "left by a process that died while it wrote", _REMOVED_BY_WRITER
        if file.parent == paths.log:
            return ("not a log entry", _IGNORED) if ignored else None
        if file.parent == paths.root:
            own = {paths.marker, paths.lock, paths.origin, paths.live, paths.planned}
            if file == paths.quarantine or file.name == _EARLIER_QUARANTINE:
                return "holds files that were taken out of the store", _REMOVE
            belongs = ignored or file in own or file in paths.folders
            return None if belongs else ("not a file of a store", _MOVE_AWAY)
        if not is_part(file.name):
            return "not a data file", _IGNORED if ignored else _MOVE_AWAY
        if file.name in state.replaced:
            return "replaced by other files; kept for readers that have it open", _REMOVED_BY_WRITER
        if is_orphan:
            return _UNEXPLAINED, _REBUILD
        reason = "its writer died before its rows were stored, or it was quarantined"
        return reason, _REMOVED_BY_WRITER


def verify_store(path: str | Path) -> list[StoreFinding]:
    """Check the log, and the size and SHA-256 of every data file; return the problems.

    DuckDB alone does not notice flipped bits in a data file. If the log is damaged, that is the
    only problem returned, because nothing else can be checked.

    Raises:
        NotAStore: there is no store.
        StoreVersion: a newer version of sparsest wrote it.
    """
    paths = StorePaths(path)
    try:
        state = _read(paths)
    except StoreDamaged as damage:
        return [StoreFinding.of(damage)]
    problems = []
    for part in state.parts:
        try:
            check_part_schema(paths, part)
            check_part_content(paths, part)
        except StoreDamaged as damage:
            problems.append(StoreFinding.of(damage))
    return problems


def inspect_store(path: str | Path, studies: Sequence[Study] = ()) -> Inspection:
    """Check everything of a store, without changing it, also while a sweep runs.

    Beyond `verify_store`: the rows of each data file are those that its log entry names, by number,
    index, study, sweep and status; their values are valid; their ids follow from their studies and
    indices, or from their own columns if the study is unknown; no experiment is stored twice; and
    which files in the folder are not part of the store. Memory holds one data file, and 16 bytes
    per row.

    Raises:
        NotAStore, StoreVersion: as for `verify_store`.
    """
    paths = StorePaths(path)
    # Before the log is read: files that are published meanwhile are then not taken for leftovers.
    listing, writing = StoreListing(paths), current_holder(paths) is not None
    try:
        state = _read(paths)
    except StoreDamaged as damage:
        return Inspection([StoreFinding.of(damage)])
    ids = Ids()
    problems = _check_parts(paths, state, studies, ids)
    quiet = not writing and current_holder(paths) is None
    return Inspection(
        problems,
        list(listing.unneeded(state)) if quiet else [],
        state.entries,
        len(state.parts),
        state.rows,
        state.bytes,
        ids.by_study,
        ids.by_row,
    )


def _read(paths: StorePaths) -> StoreState:
    check_marker(paths)
    return read_state(paths)


def _check_parts(
    paths: StorePaths, state: StoreState, studies: Sequence[Study], ids: Ids
) -> list[StoreFinding]:
    known = _known_studies(state, studies)
    found = {part.file: list(check_part(paths, part, known, ids)) for part in state.parts}
    if any(found.values()):
        # A file that another process has replaced meanwhile may be gone by now.
        present = {part.file for part in _read(paths).parts}
        found = {file: problems for file, problems in found.items() if file in present}
    problems = [problem for listed in found.values() for problem in listed]
    if repeated := ids.repeated():
        problem = f"{len(repeated):,} experiments are stored twice, for example {repeated[0]}"
        problems.append(StoreFinding(str(paths.log), problem, FROM_A_COPY))
    return problems


def _known_studies(state: StoreState, others: Sequence[Study]) -> dict[str, Study]:
    """Return digest -> study, for the studies of the store's rows as far as they are recognised.

    These are the paper's and the project's studies, and some others, with each root seed of the
    sweeps that stored rows of them, and with and without the store's initialisations.
    """
    seeds: defaultdict[str, set[int]] = defaultdict(set)
    for part in state.parts:
        for name in part.studies.values():
            seeds[name] |= {state.sweeps[sweep_id].begin.root_seed for sweep_id in part.sweeps}
    named = [study for study in map(named_study, seeds) if study is not None]
    known = {}
    for study in (*named, *(study for study in others if study.name in seeds)):
        for seed in sorted(seeds[study.name])[:_MAX_SEEDS]:
            version = study.with_root_seed(seed)
            known[version.digest] = version
            for name in study.init_names:
                if name in state.inits:
                    version = version.with_init(state.inits[name].token)
            known[version.digest] = version
    return known
