"""Log entries as bytes: writing them, and checking and reading them in any earlier format."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from storage.errors import EntryDamaged, RowsRefused, check_readable
from storage.log.entries import LOG_FORMAT, Entry, Record
from storage.log.seal import seal, unseal
from storage.paths import StorePaths
from storage.safe_open import MAX_ENTRY_BYTES

_PRESENT_FORMAT = b'{"format":%d,' % LOG_FORMAT


def entry_bytes(number: int, entry: Entry) -> bytes:
    """Return the content of the file of an entry.

    Raises:
        RowsRefused: it would be too large to be read again.
    """
    data = seal(Record(number=number, entry=entry).model_dump_json())
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
        record = Record.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise EntryDamaged(file, f"not a log entry ({field}: {first['msg']})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EntryDamaged(file, f"not a log entry ({error})") from error
    if record.number != number:
        raise EntryDamaged(file, f"says that it is entry {record.number}")
    return record.entry


def _in_present_format(paths: StorePaths, number: int, body: bytes) -> bytes:
    """Return the JSON text of a record of an earlier format as `LOG_FORMAT` has it.

    Up to format 3 a data file held the rows of one sweep, and its entry had `sweep_id`, `by_status`
    and `train_seconds` instead of `sweeps`. What is no such record raises ValueError, KeyError,
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
