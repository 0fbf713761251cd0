"""Making log entries for data files that no entry names, after the log was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from storage.log.files import publish, read_log
from storage.log.state import StoreState
from storage.marker import check_folders, check_format, write_marker
from storage.paths import StorePaths
from storage.unnamed import FolderListing

_LOST = "the entries that named the data files after it were lost"


@dataclass
class Rebuilt:
    """Result of rebuilding a log.

    Attributes:
        files: number of data files that the log names now and did not name before.
        rows: number of rows in them.
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
    for folder in paths.folders:
        durable.make_folders(folder)
    lock = StoreLock(paths, command)
    try:
        if not paths.marker.exists():
            write_marker(paths)
        check_format(paths)
        return _rebuild(paths, command, {study.name: study for study in studies}, lock)
    finally:
        lock.release()


def _rebuild(
    paths: StorePaths, command: str, studies: Mapping[str, Study], lock: StoreLock
) -> Rebuilt:
    """Rebuild the log of a store that this process has locked."""
    done = Rebuilt()
    repair_locked(paths, command, lock)
    with durable.reporting("read", paths.root):
        listing = FolderListing(paths)
    state = StoreState(paths)
    state.add_all(read_log(paths))
    orphans = listing.orphans({part.file for part in state.parts} | state.replaced)
    if not orphans:
        return done
    # Newest first: a file that replaced others is younger than they are.
    orphans.sort(key=lambda file: file.lstat().st_mtime_ns, reverse=True)
    parts = _usable(paths, orphans, state, studies, done.unused)
    before = set(state.sweeps)
    # After the first entry, rows may name sweeps whose start was lost.
    lost = EntryLost(command=command, problem=_LOST, removed=[])
    entries: list[Entry] = [lost, *reversed(parts)]
    for entry in entries:
        publish(paths, state.entries + 1, entry, lock)
        state.add(entry)
    done.files, done.rows = len(parts), sum(part.rows for part in parts)
    done.sweeps = sorted(set(state.sweeps) - before)
    return done


def _usable(
    paths: StorePaths,
    orphans: Sequence[Path],
    state: StoreState,
    studies: Mapping[str, Study],
    unused: dict[Path, str],
) -> list[RowsCommitted]:
    """Return the entries of the files to add, which hold no experiment twice; note the others."""
    known = {
        bytes.fromhex(one)
        for part in state.parts
        for _, ids in study_ids(paths, part)
        for one in ids
    }
    parts = []
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
    return parts
