"""What can go wrong with a store; every message says what to do about it."""

# ruff: noqa: N818 - the names say what is the case, as in `except StoreLocked`

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "The disk is full: make room",
    errno.EDQUOT: "The disk quota is used up: make room",
    errno.EROFS: "The file system is mounted read-only: mount it for writing",
    errno.EACCES: "Permission denied: make the store's folder writable for this user",
    errno.EPERM: "The file system does not allow it (a store needs hard links)",
    errno.EOPNOTSUPP: "The file system does not support it (a store needs hard links)",
    errno.EIO: "The disk reported a fault: check the device",
}


class StoreError(Exception):
    """A store could not be used; the message names the file and what to do."""


class NotAStore(StoreError):
    """The folder does not exist, or is something else than a store."""


class StoreVersion(StoreError):
    """The store was written by a newer version of sparsest."""


class StoreDamaged(StoreError):
    """A file of the store is not what its writer wrote.

    Attributes:
        file: the damaged or missing file.
        problem: what is wrong with it.
    """

    advice = ""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"The store is damaged: {file}: {problem}. {self.advice}".rstrip())
        self.file = file
        self.problem = problem


class MarkerDamaged(StoreDamaged):
    """The file that makes a folder a store is not what was written."""

    advice = "Copy store.json from any other store: it is the same in all of them."


class EntryDamaged(StoreDamaged):
    """A log entry is not what its writer wrote."""

    advice = (
        "Take that file from a copy of the store, or go on without it: the next `sparsest run` "
        "sets it aside, and rows that it alone named are trained again."
    )


class DataFileDamaged(StoreDamaged):
    """A data file is not what the log says."""

    advice = (
        "Take that file from a copy of the store, or go on without it: the next `sparsest run` "
        "sets it aside and trains its experiments again."
    )


@dataclass(frozen=True)
class Holder:
    """Who holds the lock of a store.

    Attributes:
        pid: process id on `host`.
        host: name of the machine.
        command: what the process was started as.
        since: UTC time at which it took the lock, ISO 8601.
    """

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command}), since {self.since}"


class StoreLocked(StoreError):
    """Another process is writing to the store.

    Attributes:
        holder: that process, or None where it left no readable name.
    """

    def __init__(self, root: Path, holder: Holder | None) -> None:
        who = str(holder) if holder is not None else "another process"
        super().__init__(
            f"The store {root} is being written by {who}. One process writes at a time: wait for "
            "it to end, or use another store. Queries need no lock and work meanwhile."
        )
        self.holder = holder


class WriteFailed(StoreError):
    """An input/output call of the writer failed; nothing more is written in this process.

    Attributes:
        file: the file of the call.
    """

    def __init__(self, action: str, file: Path, error: OSError) -> None:
        reason = error.strerror or str(error)
        advice = _ADVICE.get(error.errno or 0, "Remove the cause")
        super().__init__(
            f"Could not {action} {file}: {reason}. {advice}, then run the same command again: "
            "everything reported as stored is safe, and it goes on from there."
        )
        self.file = file


class NumberTaken(WriteFailed):
    """A log entry of that number exists already: another process writes in spite of the lock."""

    def __init__(self, file: Path) -> None:
        super().__init__("publish", file, FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)))
        self.args = (
            f"{file} exists already: another process is writing to this store in spite of its "
            "lock (a network file system without working locks?). This process stops, nothing "
            "was overwritten. Let one process write at a time, then run the same command again.",
        )


class WriterClosed(StoreError):
    """The writer was closed, or stopped after an earlier error."""


class SweepError(StoreError):
    """A sweep was not begun yet, or not ended yet."""


class RowsRefused(StoreError, ValueError):
    """Rows handed to the writer break the contract of a result."""


class InitFrozen(StoreError):
    """The store holds a different initialisation under that name."""


class UnknownExperiment(StoreError, LookupError):
    """No stored row, or several, have that experiment id."""


class UnknownSelection(StoreError, LookupError):
    """The store has nothing of what rows were to be chosen by."""


class ReadOnlyError(StoreError):
    """A query would do something else than read the stored results."""


class QueryError(StoreError):
    """DuckDB could not run a query; the message is DuckDB's, with the place in the query."""


class ExportError(StoreError):
    """An export could not be written."""


class NotPublished(StoreError):
    """No published results are where they were looked for."""


class PublishedDamaged(StoreError):
    """A file of published results is not what `sparsest publish` writes."""


class MergeRefused(StoreError):
    """Stores contradict each other, or cannot be merged as was asked; nothing was written."""


class PublishedRefused(StoreError):
    """Published results cannot be written, or do not agree with what they would be added to."""
