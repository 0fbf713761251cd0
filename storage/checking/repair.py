"""A log with damaged entries made readable again, without what these said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from search.indices import IndexSet
from storage import durable
from storage.data.replacing import indices_in
from storage.errors import EntryDamaged
from storage.lock import StoreLock
from storage.log.entries import Entry, EntryLost, RowsCommitted, RowsReplaced
from storage.log.files import read_what_is_left, replace_entry
from storage.log.state import StoreState
from storage.marker import check_marker
from storage.paths import StorePaths, list_unpublished


@dataclass(frozen=True)
class LostEntry:
    """A damaged log entry that was set aside.

    Attributes:
        kept: where it lies now; there is nothing if it was missing.
        file: where it was.
        problem: what was wrong with it.
    """

    kept: Path
    file: Path
    problem: str


def repair_log(paths: StorePaths, command: str) -> list[LostEntry]:
    """Sets damaged entries aside, and puts in their place that they were lost.

    A data file that only such an entry named is kept beside it. Its experiments are no longer
    stored. Of a sweep whose begin was lost no more is known than its rows.

    Args:
        paths: of the store.
        command: the command line.

    Returns:
        The damaged entries; none where all is well, and then nothing was changed.

    Raises:
        NotAStore: there is no store.
        StoreDamaged: what is left contradicts itself, or the marker is damaged.
        StoreLocked: another process is writing to the store.
        StoreVersion: a newer version of sparsest wrote it.
        WriteFailed: an input/output error; the same call goes on.
    """
    check_marker(paths)
    lock = StoreLock(paths, command)
    try:
        return _repair(paths, command)
    finally:
        lock.release()


def _repair(paths: StorePaths, command: str) -> list[LostEntry]:
    log = read_what_is_left(paths)
    damaged = {n: found for n, found in log.items() if isinstance(found, EntryDamaged)}
    if not damaged:
        return []
    entries: list[Entry] = []
    for number, found in log.items():
        if isinstance(found, EntryDamaged):
            later = [entry for n, entry in log.items() if n > number]
            removed = _replaced(paths, entries, later)
            entries.append(EntryLost(command=command, problem=found.problem, removed=removed))
        else:
            entries.append(found)
    lost = [
        LostEntry(paths.new_quarantined_entry(n), d.file, d.problem) for n, d in damaged.items()
    ]
    durable.make_folders(paths.quarantine)
    for entry in lost:
        durable.keep_link(entry.file, entry.kept)
    for file in _unnamed(paths, entries):
        durable.keep_link(file, paths.quarantine / file.name)
    durable.sync_folder(paths.quarantine)
    durable.sync_folder(paths.root)
    for number in damaged:
        # Durable as soon as the next process opens the store to write, as that makes the log so.
        replace_entry(paths, number, entries[number - 1])
    return lost


def _replaced(
    paths: StorePaths, before: list[Entry], later: Sequence[Entry | EntryDamaged]
) -> list[str]:
    """Data files that were replaced somewhere between: later files hold some of their rows."""
    state = StoreState(paths)
    for entry in before:
        state.add(entry)
    intervals: dict[str, list[tuple[int, int]]] = {}
    for one in later:
        match one:
            case RowsCommitted():
                parts = [one]
            case RowsReplaced():
                parts = one.parts
            case _:
                continue
        for part in parts:
            for digest, some in part.indices.items():
                intervals.setdefault(digest, []).extend(some)
    places = {digest: IndexSet.of(some) for digest, some in intervals.items()}
    return [part.file for part in state.parts if indices_in(part, places)]


def _unnamed(paths: StorePaths, entries: list[Entry]) -> list[Path]:
    """Data files that no entry has ever named, as far as one can tell."""
    state = StoreState(paths)
    state.add_all(entries)
    named = {part.file for part in state.parts}
    for entry in entries:
        if isinstance(entry, RowsReplaced):
            named.update(entry.removed)
    with durable.reporting("look into", paths.root):
        found = list_unpublished(paths)
    return [file for file in found if file.parent == paths.data and file.name not in named]
