"""Repairing a log by moving its damaged or contradictory entries to the quarantine."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from storage import durable
from storage.data.replacing import indices_in
from storage.errors import EntryDamaged
from storage.lock import StoreLock
from storage.log.entries import Entry, EntryLost
from storage.log.files import read_what_is_left, replace_entry
from storage.log.state import StoreState, all_indices, parts_in
from storage.marker import check_marker
from storage.paths import StorePaths
from storage.unnamed import FolderListing


@dataclass(frozen=True)
class LostEntry:
    """A log entry that was moved to the quarantine; if it was missing, there is no file `kept`."""

    kept: Path
    file: Path
    problem: str


def repair_log(paths: StorePaths, command: str) -> list[LostEntry]:
    """Move damaged entries, and entries that contradict earlier ones, to the quarantine.

    An `EntryLost` takes the place of each. A data file that only such an entry named is kept in the
    quarantine as well, and its experiments are no longer stored. If the start of a sweep is lost,
    nothing but its rows is known of it. If the log is intact, it is not changed.

    Raises:
        NotAStore: there is no store.
        StoreDamaged: the marker is damaged, the log is missing, or a file does not belong in it.
        StoreLocked: another process is writing to the store.
        StoreVersion: a newer version of sparsest wrote it.
        WriteFailed: an input/output error; the same call resumes the repair.
    """
    check_marker(paths)
    durable.make_folders(*paths.folders)
    with closing(StoreLock(paths, command)) as lock:
        return repair_locked(paths, command, lock)


def repair_locked(paths: StorePaths, command: str, lock: StoreLock) -> list[LostEntry]:
    """Repair a log whose store is locked by the caller; see `repair_log`."""
    with durable.reporting("read", paths.root):
        listing = FolderListing(paths)
    log = read_what_is_left(paths)
    state = StoreState(paths)
    replacements: dict[int, EntryLost] = {}
    for number, found in log.items():
        removed: list[str] = []
        if isinstance(found, EntryDamaged):
            problem: str | None = found.problem
            # Data files of which later files hold rows must have been replaced.
            later = (entry for n, entry in log.items() if n > number)
            held_later = all_indices(part for entry in later for part in parts_in(entry))
            removed = [part.file for part in state.parts if indices_in(part, held_later)]
        else:
            problem = _add(state, found)
        if problem is not None:
            lost = EntryLost(command=command, problem=problem, removed=removed)
            replacements[number] = lost
            state.add(lost)
    if not replacements:
        return []
    entries = []
    for number, lost in replacements.items():
        kept = paths.quarantine / f"{number:08d}-{uuid4().hex}.json"
        entries.append(LostEntry(kept, paths.entry(number), lost.problem))
    lock.check()
    durable.make_folders(paths.quarantine)
    for entry in entries:
        durable.keep_link(entry.file, entry.kept)
    for file in listing.orphans(state.ever_named):
        durable.keep_link(file, paths.quarantine / file.name)
    durable.sync_folder(paths.quarantine)
    durable.sync_folder(paths.root)
    for number, lost in replacements.items():
        lock.check()
        # Durable as soon as the next process opens the store to write, which makes the log so.
        replace_entry(paths, number, lost)
    return entries


def _add(state: StoreState, entry: Entry) -> str | None:
    """Add an entry to the state; return the problem if it contradicts the entries before it."""
    if state.repeats_rows(entry):
        return "stores experiments that an earlier entry stores"
    try:
        state.add(entry)
    except EntryDamaged as contradiction:
        return contradiction.problem
    return None
