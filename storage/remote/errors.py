"""Errors of stores on S3."""

# ruff: noqa: N818 - the names state the problem

from __future__ import annotations

from shlex import quote

from storage.errors import NotAStore, StoreError


class BadAddress(StoreError, ValueError):
    """A text is not the address of a store on S3."""


class NoRemoteStore(NotAStore):
    """The prefix has no objects.

    Args:
        url: address of the store.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            f"There is no store at {url}. `sparsest run STUDY --store {quote(url)}` creates one."
        )


class ForeignPrefix(NotAStore):
    """The objects under the prefix are not a store.

    Args:
        url: address with that prefix.
    """

    def __init__(self, url: str) -> None:
        super().__init__(f"{url} is not a store and not empty. Name another prefix.")


class RemoteFailed(StoreError):
    """A request failed; this process writes nothing more.

    Args:
        action: failed action, such as "write".
        url: address of the object or store.
        reason: message of the service or of boto3.
    """

    def __init__(self, action: str, url: str, reason: str) -> None:
        super().__init__(
            f"Could not {action} {url}: {reason.rstrip('.')}. Remove the cause and run the same "
            "command again: it resumes, and everything reported as stored is safe."
        )


class RemoteConflict(StoreError):
    """An object exists with other content: another process writes to the store too.

    Args:
        url: address of the object.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} exists: another process is writing to this store. This process stops; nothing "
            "was overwritten. Let one process write at a time, and run the same command again."
        )


class NoConditionalWrites(StoreError):
    """The service replaces objects despite a condition not to.

    Args:
        url: address of the store.
        endpoint: URL of the service.
    """

    def __init__(self, url: str, endpoint: str) -> None:
        super().__init__(
            f"{endpoint} replaces objects that exist despite If-None-Match: *, so two processes "
            f"could overwrite each other's log in {url}. Nothing was written to it. Use a service "
            "that supports conditional writes, or a store on a local disk."
        )


class RemoteDamaged(StoreError):
    """An object of the store is not what was written.

    Args:
        url: address of the object.
        problem: what is wrong with the object.
    """

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(
            f"The store is damaged: {url}: {problem}. Restore the object from a copy: an "
            "earlier version in the bucket, or the working copy of another machine."
        )


class CopyUnusable(StoreError):
    """This machine's working copy is not a copy of the store on S3.

    Args:
        root: folder of the working copy.
        url: address of the store.
        problem: what is wrong with the working copy.
    """

    def __init__(self, root: object, url: str, problem: str) -> None:
        super().__init__(
            f"{root}, this machine's copy of {url}, cannot be used: {problem}. The results are on "
            "S3: move that folder away and run the same command again, which makes a new copy."
        )
