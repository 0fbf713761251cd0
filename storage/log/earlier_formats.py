"""Log entries of earlier formats, as those of today."""

from __future__ import annotations

from typing import Any

_OF_ONE_SWEEP = ("rows", "by_status", "train_seconds")


def as_of_today(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the log in the form of `storage.log.entries.LOG_FORMAT`.

    Up to format 3 a data file held the rows of one sweep, and its entry said `sweep_id`,
    `by_status` and `train_seconds` where it says `sweeps` today.

    Args:
        record: a record as its file has it; nothing of it is checked yet.

    Raises:
        KeyError, TypeError: it is not one of its format.
    """
    if record["format"] >= 4:
        return record
    entry = record["entry"]
    if entry["kind"] == "rows":
        entry = _with_sweeps(entry)
    elif entry["kind"] == "replaced":
        entry = {**entry, "parts": [_with_sweeps(part) for part in entry["parts"]]}
    return {**record, "entry": entry}


def _with_sweeps(part: dict[str, Any]) -> dict[str, Any]:
    kept = {key: part[key] for key in part if key not in ("sweep_id", "by_status", "train_seconds")}
    return {**kept, "sweeps": {part["sweep_id"]: {key: part[key] for key in _OF_ONE_SWEEP}}}
