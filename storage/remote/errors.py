"""What can go wrong with a store on S3."""

# ruff: noqa: N818 - the names say what is the case

from __future__ import annotations

from storage.errors import NotAStore, StoreError


class BadAddress(StoreError, ValueError):
    """A text is not the address of a store on S3."""


class NothingThere(NotAStore):
    """There is no object under the prefix of a store.

    Args:
        url: of the store.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            f"There is no store at {url}. `sparsest run STUDY --store {url}` makes one."
        )


class ForeignPrefix(NotAStore):
    """The objects under the prefix are no store.

    Args:
        url: of what should be a store.
    """

    def __init__(self, url: str) -> None:
        super().__init__(f"{url} is not a store and not empty. Name another prefix.")


class RemoteFailed(StoreError):
    """A request failed, so that nothing more is written in this process.

    Args:
        action: what was being done, such as "write".
        url: to which object or store.
        reason: what went wrong.
    """

    def __init__(self, action: str, url: str, reason: str) -> None:
        super().__init__(
            f"Could not {action} {url}: {reason.rstrip('.')}. Remove the cause, then run the same "
            "command again: everything reported as stored is safe, and it goes on from there."
        )


class TakenRemotely(StoreError):
    """An object of that name exists already, with other content: another process writes too.

    Args:
        url: of the object.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} exists already: another process is writing to this store. This process stops, "
            "nothing was overwritten. Let one process write at a time, then run the same command "
            "again."
        )


class NoConditionalWrites(StoreError):
    """The service replaces objects although it was told not to.

    Args:
        url: of the store.
        endpoint: of the service.
    """

    def __init__(self, url: str, endpoint: str) -> None:
        super().__init__(
            f"{endpoint} does not refuse to write an object that exists (If-None-Match: *), so two "
            f"processes could overwrite each other's log in {url}. Nothing was written to it. Use "
            "a service that supports conditional writes, or a store on a local disk."
        )


class RemoteDamaged(StoreError):
    """An object of the store is not what was written.

    Args:
        url: of the object.
        problem: what is wrong with it.
    """

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(
            f"The store is damaged: {url}: {problem}. Put the object back from a copy: an earlier "
            "version in the bucket, or the working copy of another machine."
        )


class CopyUnusable(StoreError):
    """The working copy of this machine is not a copy of what is on S3.

    Args:
        root: folder of the working copy.
        url: of the store.
        problem: what is wrong with it.
    """

    def __init__(self, root: object, url: str, problem: str) -> None:
        super().__init__(
            f"{root}, this machine's copy of {url}, cannot be used: {problem}. What is stored is "
            "on S3: move that folder away and run the same command again, which makes a new copy."
        )
