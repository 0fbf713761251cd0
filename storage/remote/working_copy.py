"""Working copies: the folders in which this machine keeps copies of stores on S3.

A working copy is a store like any other. Only its `origin.json` makes its writer publish to S3
first.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Self

from storage import durable
from storage.errors import CopyUnusable, NoConditionalWrites, NoRemoteStore, StoreLocked
from storage.lock import StoreLock
from storage.log.seal import seal, unseal
from storage.marker import marker_bytes
from storage.paths import StorePaths
from storage.remote.objects import ObjectStore, S3Address
from storage.remote.pull import object_name, pull
from storage.safe_open import read_regular

_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
"""Errors of reading the record of an origin."""

_WAIT_S = 0.2
"""Time after which to look again whether another process has updated the working copy."""


class Origin:
    """The store on S3 that a working copy mirrors; only what its log names is stored."""

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
            raise NoConditionalWrites(
                f"{self._objects.endpoint} replaces objects that exist despite If-None-Match: *, "
                f"so two processes could overwrite each other's log in {self._objects.url()}. "
                "Nothing was written to it. Use a service that supports conditional writes, or a "
                "store on a local disk."
            )

    def publish(self, file: Path, data: bytes) -> None:
        """Put a data file on S3 before the log names it, or an entry, which stores what it names.

        Raises:
            RemoteConflict: the log has another entry with that number.
            RemoteFailed: a request failed; the next reader of the log sees whether it arrived.
        """
        self._objects.put_if_absent(object_name(file), data)


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


def working_copy(address: S3Address, cache: Path, *, may_be_missing: bool = False) -> Path:
    """Update the working copy of a store, which may be missing on request; return its folder.

    If another process on this machine is writing to the working copy, it is not updated: it has
    everything that process has stored. If another one is updating it, this one waits.

    Raises:
        NoRemoteStore: there is no store.
        StoreError: the store cannot be read.
    """
    objects = ObjectStore(address)
    # Several services may have a bucket of the same name.
    digest = hashlib.sha256(f"{objects.endpoint} {address}".encode()).hexdigest()[:12]
    name = f"{address.bucket}-{address.prefix.replace('/', '-')[-60:]}-{digest}"
    paths = StorePaths(cache / "s3" / name)
    durable.make_folders(*paths.folders)
    reading = f"sparsest, reading {address}"
    lock: StoreLock | None = None
    while lock is None:
        try:
            lock = StoreLock(paths, reading)
        except StoreLocked as locked:
            if locked.holder is None or locked.holder.command != reading:
                return paths.root
            time.sleep(_WAIT_S)
    with closing(lock):
        try:
            if not paths.origin.exists():
                record = json.dumps({"url": str(address), "endpoint": objects.endpoint})
                durable.replace_file(paths.origin, seal(record), paths.new_temporary())
                durable.sync_folder(paths.root)
            pull(paths, objects, check_bytes=False)
        except NoRemoteStore:
            if not may_be_missing or paths.marker.exists():
                raise
    return paths.root
