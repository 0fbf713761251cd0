"""The few requests by which a store on S3 is read and written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storage.remote.address import S3Address
from storage.remote.errors import RemoteFailed, TakenRemotely

_CONNECT_S = 10
_READ_S = 60
_ATTEMPTS = 5
_CONNECTIONS = 16

_IS_THERE = 412
_UNDER_WAY = 409
"""Another request for the same name was being answered; S3 asks to send this one again."""


class ObjectStore:
    """The objects of one store; may be used by several threads.

    Endpoint, region and credentials are those of boto3: the variables AWS_..., or its files. No
    object is ever replaced or deleted.

    Args:
        address: of the store.

    Raises:
        RemoteFailed: boto3 is missing, or what it is configured with makes no sense.
    """

    def __init__(self, address: S3Address) -> None:
        try:
            # Not at the top: it is an extra, and only these stores need it.
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError as error:
            raise RemoteFailed(
                "open", str(address), "boto3 is missing (pip install 'sparsest[s3]')"
            ) from error
        self._address = address
        self._no_answer = BotoCoreError
        self._refusal = ClientError
        try:
            # Attempts are repeated after errors and timeouts, so an own first attempt may have
            # arrived: `put_if_absent` looks at what is there.
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
        """The address of the store, or of the object of that name in it, for messages."""
        return f"{self._address}/{name}".rstrip("/")

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Writes an object that must not exist yet; when this returns, it has this content.

        The service decides (If-None-Match: *), so of several processes one wins. Where an object
        of that name has the same content, it is taken for one's own: a request that was repeated
        after its answer was lost finds what it has written. Two processes that write the same
        bytes both say the same thing, and the log tells it once.

        Args:
            name: of the object within the store.
            data: its content.

        Returns:
            Whether the service refused to write it since it was there.

        Raises:
            TakenRemotely: it exists, with other content.
            RemoteFailed: the request failed, and the object is not there; it may still appear if
                the request is under way.
        """
        for _ in range(_ATTEMPTS):
            try:
                self._client.put_object(**self._names(name), Body=data, IfNoneMatch="*")
            except self._refusal as error:
                status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
                if status == _UNDER_WAY:
                    continue
                if status < 500 and status != _IS_THERE:
                    raise RemoteFailed("write", self.url(name), str(error)) from error
                self._require(name, data, error)
                return status == _IS_THERE
            except self._no_answer as error:
                self._require(name, data, error)
            return False
        raise RemoteFailed("write", self.url(name), "other requests for it were always under way")

    def get(self, name: str, at_most: int) -> bytes | None:
        """The content of an object; None where there is none.

        Args:
            name: of the object within the store.
            at_most: bytes that make sense; of a larger object one byte more is read, no further.

        Raises:
            RemoteFailed: the request failed.
        """
        try:
            answer = self._client.get_object(**self._names(name))
            with answer["Body"] as body:
                data: bytes = body.read(at_most + 1)
        except self._refusal as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise RemoteFailed("read", self.url(name), str(error)) from error
        except self._no_answer as error:
            raise RemoteFailed("read", self.url(name), str(error)) from error
        if len(data) < min(answer["ContentLength"], at_most + 1):
            raise RemoteFailed("read", self.url(name), "the connection ended too early")
        return data

    def names(self, after: str, folder: str = "") -> Iterator[str]:
        """Yields the names of all objects that follow a name, in ascending order.

        Args:
            after: name within the store.
            folder: only those that begin with it.

        Raises:
            RemoteFailed: the request failed.
        """
        own = f"{self._address.prefix}/"
        try:
            # One answer holds a thousand names at most.
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._address.bucket, Prefix=own + folder, StartAfter=own + after
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(own)
        except (self._refusal, self._no_answer) as error:
            raise RemoteFailed("list", self.url(folder), str(error)) from error

    def _require(self, name: str, data: bytes, error: Exception) -> None:
        """Passes where an object has this content, although the answer was an error."""
        try:
            found = self.get(name, len(data))
        except RemoteFailed as failure:
            raise RemoteFailed("write", self.url(name), str(error)) from failure
        if found is None:
            raise RemoteFailed("write", self.url(name), str(error)) from error
        if found != data:
            raise TakenRemotely(self.url(name)) from error

    def _names(self, name: str) -> dict[str, Any]:
        return {"Bucket": self._address.bucket, "Key": f"{self._address.prefix}/{name}"}
