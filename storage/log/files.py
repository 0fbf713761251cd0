"""The numbered log of a store: the truth about what is stored."""

from __future__ import annotations

import errno
import json
import os

from pydantic import ValidationError

from storage import durable
from storage.errors import EntryDamaged, StoreDamaged, StoreError, StoreVersion
from storage.log.earlier_formats import as_of_today
from storage.log.entries import LOG_FORMAT, Entry, Record
from storage.log.seal import seal, unseal
from storage.paths import StorePaths, entry_number
from storage.safe_open import read_regular


def read_log(paths: StorePaths, after: int = 0) -> list[Entry]:
    """All log entries with a number above `after`, in order.

    Entries that another process publishes meanwhile may be missing at the end, never in between.

    Raises:
        EntryDamaged: a number is missing, or an entry is not what its writer wrote.
        StoreDamaged: a file does not belong there, or an entry says nonsense.
        StoreVersion: an entry has a format that this version does not know.
    """
    # The folder is listed before the entries are opened one by one: an entry published meanwhile
    # may or may not be in the listing, and can only be found beyond its end.
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


def read_what_is_left(paths: StorePaths) -> dict[int, Entry | EntryDamaged]:
    """Number -> entry, or what is wrong with it, of all entries of a log that may be damaged.

    Raises:
        StoreDamaged: a file does not belong into the log, or an entry says nonsense.
        StoreVersion: an entry has a format that this version does not know.
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
    """Puts an entry in the place of a damaged one; durable only after the folder is synchronised.

    Raises:
        WriteFailed: an input/output error; the entry is the one or the other.
    """
    durable.replace_file(paths.entry(number), entry_bytes(number, entry), paths.new_temporary())


def entry_bytes(number: int, entry: Entry) -> bytes:
    """What the file of an entry holds."""
    return seal(Record(number=number, entry=entry).model_dump_json())


def publish(paths: StorePaths, number: int, entry: Entry) -> None:
    """Makes an entry part of the log, durably: afterwards what it says is stored.

    Raises:
        NumberTaken: the log has an entry of that number.
        WriteFailed: an input/output error; the next reader of the log knows how it ended.
    """
    publish_bytes(paths, number, entry_bytes(number, entry))


def publish_bytes(paths: StorePaths, number: int, data: bytes) -> None:
    """Like `publish`, for an entry whose file holds these bytes.

    Raises:
        NumberTaken: the log has an entry of that number.
        WriteFailed: an input/output error; the next reader of the log knows how it ended.
    """
    aside = paths.new_temporary()
    durable.create_exclusive(aside, data)
    durable.publish_link(aside, paths.entry(number))
    durable.sync_folder(paths.log)
    durable.remove(aside)


def _last_listed(paths: StorePaths) -> int:
    last = 0
    try:
        names = os.listdir(paths.log)
    except OSError as error:
        raise StoreDamaged(paths.log, f"cannot be listed ({error.strerror})") from error
    for name in names:
        number = entry_number(name)
        if number is None or name != paths.entry(number).name:
            raise StoreDamaged(paths.log / name, "does not belong into the log; move it away")
        last = max(last, number)
    return last


def _read(paths: StorePaths, number: int) -> Entry:
    file = paths.entry(number)
    try:
        data = read_regular(file)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.EIO:
            raise EntryDamaged(file, f"cannot be read ({error.strerror})") from error
        raise StoreError(f"Could not read {file}: {error.strerror}.") from error
    return parse_entry(paths, number, data)


def parse_entry(paths: StorePaths, number: int, data: bytes) -> Entry:
    """The entry in the bytes of a file of the log.

    Args:
        paths: of the store.
        number: that the entry must have.
        data: the bytes.

    Raises:
        EntryDamaged: they are not what was written.
        StoreDamaged: the entry says nonsense.
        StoreVersion: it has a format that this version does not know.
    """
    file = paths.entry(number)
    try:
        body = unseal(data)
    except ValueError as error:
        raise EntryDamaged(file, f"not a log entry ({error})") from error
    try:
        read = json.loads(body)
        written = read["format"]
        if isinstance(written, int) and written > LOG_FORMAT:
            raise StoreVersion(
                f"{file} has format {written}; this version of sparsest reads up to "
                f"{LOG_FORMAT}. Use the version that wrote it, or a newer one."
            )
        if written != LOG_FORMAT:
            body = json.dumps(as_of_today(read)).encode()
        record = Record.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise StoreDamaged(file, f"not a log entry ({place}: {first['msg']})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreDamaged(file, f"not a log entry ({error})") from error
    if record.number != number:
        raise EntryDamaged(file, f"says that it is entry {record.number}")
    return record.entry
