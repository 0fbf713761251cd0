"""Making log entries for data files that no entry names, after the log was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from search.study import Study
from storage import durable
from storage.checking.repair import repair_locked
from storage.checking.salvage import SalvageError, salvaged_entry
from storage.data.parts import study_ids
from storage.errors import NotAStore, StoreError
from storage.lock import StoreLock
from storage.log.entries import Entry, EntryLost, RowsCommitted
from storage.log.files import publish, read_state
from storage.log.state import StoreState
from storage.marker import check_folders, check_format, write_marker
from storage.paths import StorePaths
from storage.unnamed import FolderListing

_LOST = "the entries that named the data files after it were lost"


@dataclass(frozen=True)
class Rebuilt:
    """Result of rebuilding a log.

    Attributes:
        files, rows: numbers of data files that the log names now and did not before, and of their
            rows.
        sweeps: ids of the sweeps that are known by their id only.
        unused: data files that were not added -> why. The next process that writes moves them to
            the quarantine.
    """

    files: int = 0
    rows: int = 0
    sweeps: list[str] = field(default_factory=list)
    unused: dict[Path, str] = field(default_factory=dict)


def rebuild_log(path: str | Path, *, command: str, studies: Sequence[Study] = ()) -> Rebuilt:
    """Add the data files that no log entry names to the log of a store, which may be missing.

    Data files are neither changed nor removed, so a power loss costs at most the new entries.

    If two files hold the same experiment, the newer one is used: it replaced the older one. What
    only the log knew stays lost: commands, versions and times of sweeps, stored initialisations,
    choices of searches, and which rows were forgotten.

    Raises:
        NotAStore: there is no store, and no data file.
        StoreError: as for `storage.checking.repair.repair_log`.
    """
    paths = StorePaths(path)
    if paths.origin.exists():
        raise StoreError(
            f"{paths.root} is a copy of a store on S3, whose log is there. Move the folder away: "
            "the next command makes a new copy."
        )
    check_folders(paths)
    if not paths.marker.exists() and not FolderListing(paths).parts:
        raise NotAStore(f"No store at {paths.root}, and no data files to make a log from.")
    durable.make_folders(*paths.folders)
    with closing(StoreLock(paths, command)) as lock:
        if not paths.marker.exists():
            write_marker(paths)
        check_format(paths)
        return _rebuild(paths, command, {study.name: study for study in studies}, lock)


def _rebuild(
    paths: StorePaths, command: str, studies: Mapping[str, Study], lock: StoreLock
) -> Rebuilt:
    """Rebuild the log of a store that this process has locked."""
    repair_locked(paths, command, lock)
    with durable.reporting("read", paths.root):
        listing = FolderListing(paths)
    state = read_state(paths)
    orphans = listing.orphans(state.ever_named)
    if not orphans:
        return Rebuilt()
    # Newest first: a file that replaced others is younger than they are.
    orphans.sort(key=lambda file: file.lstat().st_mtime_ns, reverse=True)
    parts, unused = _usable(paths, orphans, state, studies)
    before = set(state.sweeps)
    # After the first entry, rows may name sweeps whose start was lost.
    lost = EntryLost(command=command, problem=_LOST, removed=[])
    entries: list[Entry] = [lost, *reversed(parts)]
    for entry in entries:
        publish(paths, state.entries + 1, entry, lock)
        state.add(entry)
    rows = sum(part.rows for part in parts)
    return Rebuilt(len(parts), rows, sorted(set(state.sweeps) - before), unused)


def _usable(
    paths: StorePaths,
    orphans: Sequence[Path],
    state: StoreState,
    studies: Mapping[str, Study],
) -> tuple[list[RowsCommitted], dict[Path, str]]:
    """Return the entries of the files to add, which hold no experiment twice; and the others."""
    known = {
        bytes.fromhex(one)
        for part in state.parts
        for _, ids in study_ids(paths, part)
        for one in ids
    }
    parts, unused = [], {}
    for file in orphans:
        try:
            part, ids = salvaged_entry(paths, file, studies)
        except SalvageError as error:
            unused[file] = str(error)
            continue
        raw = {bytes.fromhex(one) for one in ids}
        if len(raw) < len(ids) or not raw.isdisjoint(known) or state.repeats_rows(part):
            unused[file] = "a newer file holds some of its experiments"
            continue
        known |= raw
        parts.append(part)
    return parts, unused
