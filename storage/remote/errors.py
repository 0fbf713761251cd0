"""Errors of stores on S3."""

# ruff: noqa: N818 - the names state the problem

from __future__ import annotations

from storage.errors import NotAStore, StoreError


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
