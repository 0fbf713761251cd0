"""The store on S3 that a working copy mirrors."""

from __future__ import annotations

import json
from typing import Self

from storage import durable
from storage.log.seal import seal, unseal
from storage.marker import marker_bytes
from storage.paths import StorePaths
from storage.remote.address import S3Address
from storage.remote.errors import CopyUnusable, NoConditionalWrites, NoRemoteStore
from storage.remote.objects import ObjectStore
from storage.remote.pull import pull
from storage.safe_open import read_regular

_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
"""Errors of reading the record of an origin."""


class Origin:
    """The store on S3 that a working copy mirrors; only what its log names is stored.

    Args:
        paths: paths of the working copy.
        objects: objects of the store on S3.
    """

    def __init__(self, paths: StorePaths, objects: ObjectStore) -> None:
        self._paths = paths
        self._objects = objects

    @classmethod
    def of(cls, paths: StorePaths) -> Self | None:
        """Return the origin of a working copy, or None for an ordinary store.

        Raises:
            CopyUnusable: it is a copy from another service than the one configured now.
            RemoteFailed: boto3 is missing or wrongly configured.
        """
        try:
            url, endpoint = _recorded(paths)
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            problem = f"{paths.origin.name} cannot be read ({error})"
            raise CopyUnusable(paths.root, "a store on S3", problem) from error
        objects = ObjectStore(S3Address.parse(url))
        if objects.endpoint != endpoint:
            problem = f"it was taken from {endpoint}, and the endpoint is now {objects.endpoint}"
            raise CopyUnusable(paths.root, url, problem)
        return cls(paths, objects)

    def pull(self) -> None:
        """Update the working copy for reading: see `storage.remote.pull`."""
        pull(self._paths, self._objects, check_bytes=False)

    def open_for_writing(self) -> None:
        """Create the store on S3 if it does not exist, and update the working copy.

        Raises:
            NoConditionalWrites: the service cannot separate concurrent writers.
            StoreError: as for `storage.remote.pull`.
        """
        marker = self._paths.marker.name
        try:
            pull(self._paths, self._objects, check_bytes=True)
        except NoRemoteStore:
            self._objects.put_if_absent(marker, marker_bytes())
            pull(self._paths, self._objects, check_bytes=True)
        # Writers exclude each other only if the service refuses this request. A service that does
        # not refuse it replaces the marker by an equal one.
        if not self._objects.put_if_absent(marker, read_regular(self._paths.marker)):
            raise NoConditionalWrites(self._objects.url(), self._objects.endpoint)

    def publish_part(self, file: str, data: bytes) -> None:
        """Put a data file on S3 before the log names it.

        Raises:
            RemoteFailed: a request failed.
        """
        self._objects.put_if_absent(f"{self._paths.data.name}/{file}", data)

    def publish_entry(self, number: int, data: bytes) -> None:
        """Add an entry to the log on S3, which stores what it names.

        Raises:
            RemoteConflict: the log has another entry with that number.
            RemoteFailed: a request failed; the next reader of the log sees whether it arrived.
        """
        name = f"{self._paths.log.name}/{self._paths.entry(number).name}"
        self._objects.put_if_absent(name, data)


def store_name(paths: StorePaths) -> str:
    """Return the name of a store for users: its folder, or its address on S3."""
    try:
        return _recorded(paths)[0]
    except _UNREADABLE:
        return str(paths.root)


def _recorded(paths: StorePaths) -> tuple[str, str]:
    """Return the address and the endpoint of a working copy's origin."""
    record = json.loads(unseal(read_regular(paths.origin)))
    return str(record["url"]), str(record["endpoint"])


def record_origin(paths: StorePaths, address: S3Address, endpoint: str) -> None:
    """Record the origin of a new working copy in its folder.

    Raises:
        WriteFailed: an input/output error.
    """
    record = json.dumps({"url": str(address), "endpoint": endpoint})
    durable.replace_file(paths.origin, seal(record), paths.new_temporary())
    durable.sync_folder(paths.root)
