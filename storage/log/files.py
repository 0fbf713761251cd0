"""The files of the log: reading all entries, in any earlier format, and publishing the next one."""

from __future__ import annotations

import errno
import json
import os
from typing import Any

from pydantic import ValidationError

from storage import durable
from storage.errors import (
    EntryDamaged,
    RowsRefused,
    StoreDamaged,
    StoreError,
    StrayEntry,
    check_readable,
)
from storage.lock import StoreLock
from storage.log.entries import LOG_FORMAT, Entry, NumberedEntry
from storage.log.seal import seal, unseal
from storage.log.state import StoreState
from storage.paths import StorePaths, entry_number, is_system_file
from storage.safe_open import MAX_ENTRY_BYTES, read_regular

_PRESENT_FORMAT = b'{"format":%d,' % LOG_FORMAT

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

    After a `WriteFailed` the old or the new entry is there.
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


def entry_bytes(number: int, entry: Entry) -> bytes:
    """Return the content of the file of an entry; RowsRefused if it is too large to read."""
    data = seal(NumberedEntry(number=number, entry=entry).model_dump_json())
    if len(data) > MAX_ENTRY_BYTES:
        raise RowsRefused(f"A log entry of {len(data):,} bytes: the limit is {MAX_ENTRY_BYTES:,}.")
    return data


def parse_entry(paths: StorePaths, number: int, data: bytes) -> Entry:
    """Return the entry in the bytes of a file of the log, which must have this number.

    Raises:
        EntryDamaged: it is not what a writer has written.
        StoreVersion: it has a format that this version does not know.
    """
    file = paths.entry(number)
    try:
        body = unseal(data)
        if not body.startswith(_PRESENT_FORMAT):
            body = _in_present_format(paths, number, body)
        record = NumberedEntry.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise EntryDamaged(file, f"not a log entry ({field}: {first['msg']})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EntryDamaged(file, f"not a log entry ({error})") from error
    if record.number != number:
        raise EntryDamaged(file, f"says that it is entry {record.number}")
    return record.entry


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
            raise StrayEntry(paths.log / name, "does not belong in the log")
        numbers.append(number)
    last = 0
    for number in sorted(numbers):
        if number - last > _MAX_GAP:
            raise StrayEntry(
                paths.entry(number),
                f"follows entry {last} after a gap: it is probably not of this log (if "
                f"{number - last - 1:,} entries were lost, restore them from a copy, or move log/ "
                "away and run `sparsest verify --rebuild`)",
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


def _in_present_format(paths: StorePaths, number: int, body: bytes) -> bytes:
    """Return the JSON text of a record of an earlier format as `LOG_FORMAT` has it.

    Up to format 3 a data file held the rows of one sweep, and its entry had `sweep_id`, `by_status`
    and `train_seconds` instead of `sweeps`. Any other text raises ValueError, KeyError,
    TypeError, AttributeError or RecursionError.

    Raises:
        StoreVersion: the format is newer.
    """
    record = json.loads(body)
    written = record["format"]
    if isinstance(written, int):
        check_readable(paths.entry(number), "format", written, LOG_FORMAT)
    if written < LOG_FORMAT:
        entry = record["entry"]
        if entry["kind"] == "rows":
            entry = _with_sweeps(entry)
        elif entry["kind"] == "replaced":
            entry = {**entry, "parts": [_with_sweeps(part) for part in entry["parts"]]}
        record = {**record, "entry": entry}
    return json.dumps(record).encode()


def _with_sweeps(part: dict[str, Any]) -> dict[str, Any]:
    kept = dict(part)
    totals = {"rows": part["rows"]} | {key: kept.pop(key) for key in ("by_status", "train_seconds")}
    return kept | {"sweeps": {kept.pop("sweep_id"): totals}}
