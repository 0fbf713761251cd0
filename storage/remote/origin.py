"""The store on S3 that a working copy is a copy of."""

from __future__ import annotations

import json
from typing import Self

from storage import durable
from storage.log.seal import seal, unseal
from storage.marker import marker_bytes
from storage.paths import StorePaths
from storage.remote.address import S3Address
from storage.remote.errors import CopyUnusable, NoConditionalWrites, NothingThere
from storage.remote.objects import ObjectStore
from storage.remote.pull import pull
from storage.safe_open import read_regular

_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
"""What reading the origin of a store may end with."""


class Origin:
    """Where the rows of a working copy are stored: what S3's log has is stored, nothing else.

    Args:
        paths: of the working copy.
        objects: of the store on S3.
    """

    def __init__(self, paths: StorePaths, objects: ObjectStore) -> None:
        self._paths = paths
        self._objects = objects

    @classmethod
    def of(cls, paths: StorePaths) -> Self | None:
        """The origin of a store; None where it is an ordinary one.

        Raises:
            CopyUnusable: it is a copy of another service's bucket than is now asked.
            RemoteFailed: boto3 is missing, or what it is configured with makes no sense.
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
        """Brings the working copy up to date for reading; see `storage.remote.pull`."""
        pull(self._paths, self._objects, check_bytes=False)

    def open_for_writing(self) -> None:
        """Makes the store on S3 if there is none, and brings the working copy up to date.

        Raises:
            NoConditionalWrites: the service does not keep writers apart.
            StoreError: as for `storage.remote.pull`.
        """
        marker = self._paths.marker.name
        try:
            pull(self._paths, self._objects, check_bytes=True)
        except NothingThere:
            self._objects.put_if_absent(marker, marker_bytes())
            pull(self._paths, self._objects, check_bytes=True)
        # All that follows hangs on this refusal. Without it, the marker is replaced by one that
        # says the same.
        if not self._objects.put_if_absent(marker, read_regular(self._paths.marker)):
            raise NoConditionalWrites(self._objects.url(), self._objects.endpoint)

    def publish_part(self, file: str, data: bytes) -> None:
        """Puts a data file on S3, of which no entry tells yet.

        Raises:
            RemoteFailed: a request failed.
        """
        self._objects.put_if_absent(f"{self._paths.data.name}/{file}", data)

    def publish_entry(self, number: int, data: bytes) -> None:
        """Makes an entry part of the log on S3: afterwards what it says is stored.

        Raises:
            TakenRemotely: the log has another entry of that number.
            RemoteFailed: a request failed; the next reader of the log knows how it ended.
        """
        name = f"{self._paths.log.name}/{self._paths.entry(number).name}"
        self._objects.put_if_absent(name, data)


def store_name(paths: StorePaths) -> str:
    """What users call a store: its folder, or where on S3 that is of which it is a working copy."""
    try:
        return _recorded(paths)[0]
    except _UNREADABLE:
        return str(paths.root)


def _recorded(paths: StorePaths) -> tuple[str, str]:
    """Address and endpoint that a working copy was taken from."""
    record = json.loads(unseal(read_regular(paths.origin)))
    return str(record["url"]), str(record["endpoint"])


def record_origin(paths: StorePaths, address: S3Address, endpoint: str) -> None:
    """Notes in the folder of a new working copy what it is a copy of.

    Raises:
        WriteFailed: an input/output error.
    """
    record = json.dumps({"url": str(address), "endpoint": endpoint})
    durable.replace_file(paths.origin, seal(record), paths.new_temporary())
    durable.sync_folder(paths.root)
