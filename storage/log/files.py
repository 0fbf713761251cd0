"""The files of the log: reading all entries, and publishing the next one."""

from __future__ import annotations

import errno
import os

from storage import durable
from storage.errors import EntryDamaged, StoreDamaged, StoreError
from storage.lock import StoreLock
from storage.log.entries import Entry
from storage.log.parsing import entry_bytes, parse_entry
from storage.log.state import StoreState
from storage.paths import StorePaths, entry_number, is_system_file
from storage.safe_open import MAX_ENTRY_BYTES, read_regular

_MAX_GAP = 256
"""Largest number of consecutive entries that may be missing. An entry after a larger gap is taken
for a stray file, such as a backup that was named by its date."""


def read_log(paths: StorePaths, after: int = 0) -> list[Entry]:
    """Return all log entries with a number above `after`, in order.

    Entries that another process publishes meanwhile may be missing at the end, never in between.

    Raises:
        EntryDamaged: a number is missing, or an entry is not what its writer wrote.
        StoreDamaged: a file does not belong in the log.
        StoreVersion: an entry has a format that this version does not know.
    """
    # The folder is listed before the entries are opened one by one: an entry that is published
    # meanwhile may or may not be in the listing, and can only be found after its end.
    last = _last_listed(paths)
    entries: list[Entry] = []
    number = after + 1
    while True:
        try:
            entries.append(_read(paths, number))
        except FileNotFoundError:
            break
        number += 1
    if number <= last:
        raise EntryDamaged(paths.entry(number), f"missing, while entry {last} exists")
    return entries


def read_state(paths: StorePaths) -> StoreState:
    """Return the state after all log entries; raise what `read_log` and `add_all` raise."""
    state = StoreState(paths)
    state.add_all(read_log(paths))
    return state


def read_what_is_left(paths: StorePaths) -> dict[int, Entry | EntryDamaged]:
    """Return number -> entry, or what is wrong with it, for a log that may be damaged.

    Raises:
        StoreDamaged, StoreVersion: as for `read_log`, except for damaged entries.
    """
    found: dict[int, Entry | EntryDamaged] = {}
    for number in range(1, _last_listed(paths) + 1):
        try:
            found[number] = _read(paths, number)
        except FileNotFoundError:
            found[number] = EntryDamaged(paths.entry(number), "missing, while later ones exist")
        except EntryDamaged as damage:
            found[number] = damage
    return found


def replace_entry(paths: StorePaths, number: int, entry: Entry) -> None:
    """Write an entry in place of a damaged one; durable only after the folder is synchronised.

    Raises:
        WriteFailed: an input/output error; the old or the new entry is there.
    """
    durable.replace_file(paths.entry(number), entry_bytes(number, entry), paths.new_temporary())


def publish(
    paths: StorePaths, number: int, entry: Entry | bytes, lock: StoreLock | None = None
) -> None:
    """Make an entry, or the bytes of its file, part of the log, durably.

    Raises:
        NumberTaken: the log has an entry of that number.
        StoreMoved: the store is no longer at its path; nothing was published.
        WriteFailed: an input/output error; the next reader of the log knows how it ended.
    """
    temporary = paths.new_temporary()
    data = entry if isinstance(entry, bytes) else entry_bytes(number, entry)
    durable.create_exclusive(temporary, data)
    if lock is not None:
        # After the temporary file was written: if the folders are exchanged after this check, the
        # temporary file is not in the new ones, and linking fails.
        lock.check()
    durable.publish_link(temporary, paths.entry(number))
    durable.sync_folder(paths.log)
    durable.remove(temporary)


def _last_listed(paths: StorePaths) -> int:
    """Return the number of the last entry, 0 for an empty log."""
    try:
        names = os.listdir(paths.log)
    except OSError as error:
        raise StoreDamaged(paths.log, f"cannot be listed ({error.strerror})") from error
    numbers = []
    for name in names:
        if is_system_file(name):
            continue
        number = entry_number(name)
        if number is None or name != paths.entry(number).name:
            raise StoreDamaged(paths.log / name, "does not belong in the log; move it away")
        numbers.append(number)
    last = 0
    for number in sorted(numbers):
        if number - last > _MAX_GAP:
            raise StoreDamaged(
                paths.entry(number),
                f"follows entry {last} after a gap: it is probably not of this log; move it away. "
                f"If {number - last - 1:,} entries were lost, restore them from a copy, or move "
                "log/ away and run `sparsest verify --rebuild`",
            )
        last = number
    return last


def _read(paths: StorePaths, number: int) -> Entry:
    file = paths.entry(number)
    try:
        data = read_regular(file, MAX_ENTRY_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in (errno.EIO, errno.EINVAL, errno.EFBIG):
            raise EntryDamaged(file, f"cannot be read ({error.strerror})") from error
        raise StoreError(f"Could not read {file}: {error.strerror}.") from error
    return parse_entry(paths, number, data)
