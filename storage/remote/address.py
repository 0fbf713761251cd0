"""Addresses of stores on S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from storage.remote.errors import BadAddress

SCHEME: Final = "s3://"

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
