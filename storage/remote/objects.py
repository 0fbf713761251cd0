"""Addresses of stores on S3, and the requests that read and write one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from storage.errors import BadAddress, RemoteConflict, RemoteFailed

SCHEME: Final = "s3://"

_CONNECT_S = 10
_READ_S = 60
_ATTEMPTS = 5
_CONNECTIONS = 16

_EXISTS = 412
"""HTTP status: the object exists."""

_CONFLICT = 409
"""HTTP status: another request for the same name is in progress; S3 asks to repeat this one."""


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX_PART = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9!_.*'()-]+")
"""Parts of a prefix, with the characters that S3's manual calls safe in names."""


@dataclass(frozen=True)
class S3Address:
    """The bucket of a store on S3, and the prefix of its objects, without outer slashes."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address in a text such as "s3://bucket/prefix".

        Raises:
            BadAddress: the text is not an address.
        """
        bucket, _, prefix = text.removeprefix(SCHEME).rstrip("/").partition("/")
        parts = prefix.split("/")
        if not text.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
            raise BadAddress(
                f"{text!r} has no valid bucket name: a store on S3 is s3://BUCKET/PREFIX."
            )
        if not all(_PREFIX_PART.fullmatch(part) for part in parts):
            raise BadAddress(
                f"{text!r}: a store on S3 is s3://BUCKET/PREFIX; the prefix may contain letters, "
                "digits and !_.*'()-, in parts separated by single slashes."
            )
        return cls(bucket, prefix)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"


def is_address(text: str) -> bool:
    """Return whether a text is an address on S3 and not a path."""
    return text.startswith(SCHEME)


class ObjectStore:
    """The objects of one store, for use by several threads.

    boto3 finds endpoint, region and credentials, in the variables AWS_... or in its files. No
    object is ever replaced or deleted. If boto3 is missing or wrongly configured, or a request
    fails, `RemoteFailed` is raised.
    """

    def __init__(self, address: S3Address) -> None:
        try:
            # An extra that only these stores need.
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError as error:
            raise RemoteFailed(
                "open", str(address), "boto3 is missing (pip install 'sparsest[s3]')"
            ) from error
        self._address = address
        self._transport_error = BotoCoreError
        self._service_error = ClientError
        try:
            # boto3 repeats requests after errors and timeouts, although the first may have arrived:
            # so `put_if_absent` compares the content.
            self._client = boto3.client(
                "s3",
                config=Config(
                    connect_timeout=_CONNECT_S,
                    read_timeout=_READ_S,
                    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                    max_pool_connections=_CONNECTIONS,
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise RemoteFailed("open", str(address), str(error)) from error

    @property
    def endpoint(self) -> str:
        """URL of the service."""
        return str(self._client.meta.endpoint_url)

    def url(self, name: str = "") -> str:
        """Return the address of the store, or of an object in it, for messages."""
        return f"{self._address}/{name}".rstrip("/")

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write an object that must not exist yet; on return it has this content.

        The service decides (If-None-Match: *), so one of several processes wins. An object that
        exists with the same content counts as written: a request that is repeated because its
        answer was lost finds its own object, and two processes that write the same bytes agree.

        Returns:
            Whether the service refused the request because the object existed.

        Raises:
            RemoteConflict: the object exists with other content.
            RemoteFailed: the request failed and the object does not exist; it may still appear if
                the request is in progress.
        """
        for _ in range(_ATTEMPTS):
            try:
                self._client.put_object(**self._names(name), Body=data, IfNoneMatch="*")
            except self._service_error as error:
                status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
                if status == _CONFLICT:
                    continue
                if status < 500 and status != _EXISTS:
                    raise self._failed("write", name, error) from error
                self._require(name, data, error)
                return status == _EXISTS
            except self._transport_error as error:
                self._require(name, data, error)
            return False
        raise RemoteFailed("write", self.url(name), "other requests for it were in progress")

    def get(self, name: str, at_most: int) -> bytes | None:
        """Return the content of an object, None if it does not exist.

        Of an object larger than `at_most` bytes, one byte more is returned.
        """
        try:
            answer = self._client.get_object(**self._names(name))
            with answer["Body"] as body:
                data: bytes = body.read(at_most + 1)
        except self._service_error as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise self._failed("read", name, error) from error
        except self._transport_error as error:
            raise self._failed("read", name, error) from error
        if len(data) < min(answer["ContentLength"], at_most + 1):
            raise RemoteFailed("read", self.url(name), "the connection ended too early")
        return data

    def names(self, after: str, folder: str = "") -> Iterator[str]:
        """Yield the names in a folder after a name, in ascending order."""
        prefix = f"{self._address.prefix}/"
        try:
            # One answer holds at most a thousand names.
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._address.bucket, Prefix=prefix + folder, StartAfter=prefix + after
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"].removeprefix(prefix)
        except (self._service_error, self._transport_error) as error:
            raise self._failed("list", folder, error) from error

    def _require(self, name: str, data: bytes, error: Exception) -> None:
        """Check that an object has this content although the answer was an error."""
        try:
            content = self.get(name, len(data))
        except RemoteFailed as failure:
            raise self._failed("write", name, error) from failure
        if content is None:
            raise self._failed("write", name, error) from error
        if content != data:
            raise RemoteConflict(
                f"{self.url(name)} exists: another process is writing to this store. This process "
                "stops; nothing was overwritten. Let one process write at a time, and run the same "
                "command again."
            ) from error

    def _failed(self, action: str, name: str, error: Exception) -> RemoteFailed:
        return RemoteFailed(action, self.url(name), str(error))

    def _names(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._address.bucket, "Key": f"{self._address.prefix}/{name}"}
