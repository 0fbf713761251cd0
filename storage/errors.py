"""Errors of a store. Every message names the file and says what to do."""

# ruff: noqa: N818 - the names state the problem, as in `except StoreLocked`

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space",
    errno.EDQUOT: "The disk quota is used up: free some space",
    errno.EROFS: "The file system is mounted read-only: remount it for writing",
    errno.EPERM: "Use a file system that allows it and has hard links",
    errno.EOPNOTSUPP: "Use a file system that supports it and has hard links",
    errno.EIO: "The disk reported an error: check the device",
    errno.EINVAL: "Move it away",
    errno.ELOOP: "It is a link: move it away",
}
_RESTORE_OR_CONTINUE = (
    "Restore that file from a copy of the store, or continue without it: the next `sparsest run` "
    "moves it to the quarantine, and trains "
)


class StoreError(Exception):
    """A store could not be used; the message names the file and what to do.

    Example:
        >>> import sparsest
        >>> try:
        ...     sparsest.open("runs/nowhere")
        ... except sparsest.StoreError as error:
        ...     print(error)
        No store at ...
    """


class NotAStore(StoreError):
    """The folder does not exist, or is not a store."""


class NoStoreYet(NotAStore):
    """The folder does not exist, is empty, or a writer is making it a store."""


class StoreVersion(StoreError):
    """The store was written by a newer version of sparsest."""


class StoreDamaged(StoreError):
    """A file of the store is not what its writer wrote, or missing."""

    advice = ""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"The store is damaged: {file}: {problem}. {self.advice}".rstrip())
        self.file = file
        self.problem = problem


class MarkerDamaged(StoreDamaged):
    """The file that marks a folder as a store is damaged."""

    advice = "Copy store.json from any other store: it is the same in all of them."


class StrayEntry(StoreDamaged):
    """A file in the folder of the log is not an entry of this log."""

    advice = "Move it away."


class LogMissing(StoreDamaged):
    """Data files exist, but no log that names them."""

    advice = (
        "Restore the folder log/ from a copy of the store, or run `sparsest verify --rebuild` on "
        "this one: it makes a log from the data files."
    )


class EntryDamaged(StoreDamaged):
    """A log entry is damaged, or contradicts the entries before it."""

    advice = _RESTORE_OR_CONTINUE + "the rows that only it named again."


class DataFileDamaged(StoreDamaged):
    """A data file contradicts the log."""

    advice = _RESTORE_OR_CONTINUE + "its experiments again."


@dataclass(frozen=True)
class Holder:
    """The process that holds the lock of a store, since a UTC time, ISO 8601."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command}), since {self.since}"


class StoreLocked(StoreError):
    """Another process is writing to the store."""

    def __init__(self, root: Path, holder: Holder | None) -> None:
        who = str(holder) if holder is not None else "another process"
        super().__init__(
            f"The store {root} is being written by {who}. Only one process can write at a time: "
            "wait for it to end, or use another store. Queries need no lock."
        )
        self.holder = holder


class WriteFailed(StoreError):
    """An input/output call of the writer failed. This process writes nothing more."""

    def __init__(self, action: str, file: Path, error: OSError) -> None:
        reason = error.strerror or str(error)
        if error.errno == errno.EACCES:
            closed = next((path for path in (file, *file.parents) if path.exists()), file)
            advice = f"Make {closed} writable for this user"
        else:
            advice = _ADVICE.get(error.errno or 0, "Remove the cause")
        super().__init__(
            f"Could not {action} {file}: {reason}. {advice}, then run the same command again: "
            "everything reported as stored is safe, and the command resumes from there."
        )
        self.file = file


class NumberTaken(WriteFailed):
    """A log entry of that number exists: another process writes in spite of the lock."""

    def __init__(self, file: Path) -> None:
        StoreError.__init__(
            self,
            f"{file} exists already: another process is writing to this store in spite of its "
            "lock (a network file system without working locks?). This process stops; nothing "
            "was overwritten. Let one process write at a time, then run the same command again.",
        )
        self.file = file


class StoreMoved(WriteFailed):
    """The path of a store no longer leads to the folders and the lock that the writer opened."""

    def __init__(self, file: Path) -> None:
        StoreError.__init__(
            self,
            f"{file} was moved, replaced or removed while this process was writing to the store. "
            "This process stops; it wrote nothing to what is there now, and everything reported as "
            "stored is in the folder that was moved. Run the same command again, on the path of "
            "the store that you want.",
        )
        self.file = file


class WriterClosed(StoreError):
    """The writer was closed, or stopped after an earlier error."""


class SweepError(StoreError):
    """No sweep was started, or the last one has not ended."""


class RowsRefused(StoreError, ValueError):
    """Rows handed to the writer break the contract of a result."""


class InitFrozen(StoreError):
    """The store holds a different initialisation under that name."""


class UnknownExperiment(StoreError, LookupError):
    """No stored row, or several, have that experiment id."""


class UnknownSelection(StoreError, LookupError):
    """The store has no study or sweep of that name."""


class ReadOnlyError(StoreError):
    """A query would do something other than read the stored results."""


class QueryError(StoreError):
    """DuckDB could not run a query; the message is DuckDB's, with the position in the query."""


class ExportError(StoreError):
    """An export could not be written."""


class NotPublished(StoreError):
    """The folder has no published results."""


class PublishedDamaged(StoreError):
    """A file of published results is not what `sparsest publish` writes."""


class MergeRefused(StoreError):
    """Stores contradict each other, or cannot be merged as requested; nothing was written."""


class PublishedRefused(StoreError):
    """Published results cannot be written, or contradict the file that they would be added to."""


class BadAddress(StoreError, ValueError):
    """A text is not the address of a store on S3."""


class NoRemoteStore(NotAStore):
    """The prefix has no objects."""


class RemoteConflict(StoreError):
    """An object exists with other content: another process writes to the store too."""


class NoConditionalWrites(StoreError):
    """The service replaces objects despite a condition not to."""


class RemoteFailed(StoreError):
    """A request failed; this process writes nothing more."""

    def __init__(self, action: str, url: str, reason: str) -> None:
        super().__init__(
            f"Could not {action} {url}: {reason.rstrip('.')}. Remove the cause and run the same "
            "command again: it resumes, and everything reported as stored is safe."
        )


class RemoteDamaged(StoreError):
    """An object of the store is not what was written."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(
            f"The store is damaged: {url}: {problem}. Restore the object from a copy: an "
            "earlier version in the bucket, or the working copy of another machine."
        )


class CopyUnusable(StoreError):
    """This machine's working copy is not a copy of the store on S3."""

    def __init__(self, root: object, url: str, problem: str) -> None:
        super().__init__(
            f"{root}, this machine's copy of {url}, cannot be used: {problem}. The results are on "
            "S3: move that folder away and run the same command again, which makes a new copy."
        )


def check_readable(file: Path, what: str, version: int, known: int) -> None:
    """Raise StoreVersion if the version of `what` in a file is above the highest known one."""
    if version > known:
        raise StoreVersion(
            f"{file} has {what} {version}; this version of sparsest reads up to {known}. Use the "
            "version that wrote it, or a newer one."
        )
