"""The address of a store on S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from storage.remote.errors import BadAddress

SCHEME: Final = "s3://"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX_PART = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9!_.*'()-]+")
"""The characters that S3's manual calls safe in names: nobody on the way takes them for others."""


@dataclass(frozen=True)
class S3Address:
    """Where a store on S3 is.

    Attributes:
        bucket: name of the bucket, which exists.
        prefix: what the names of all objects of the store begin with, without a slash at its ends.
    """

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address that a text such as "s3://bucket/prefix" names.

        Raises:
            BadAddress: it names none.
        """
        bucket, _, prefix = text.removeprefix(SCHEME).rstrip("/").partition("/")
        parts = prefix.split("/")
        if not text.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
            raise BadAddress(f"{text!r} names no bucket: a store on S3 is s3://BUCKET/PREFIX.")
        if not all(_PREFIX_PART.fullmatch(part) for part in parts):
            raise BadAddress(
                f"{text!r}: a store on S3 is s3://BUCKET/PREFIX, with a prefix of letters, digits "
                "and !_.*'()- in parts that single slashes separate."
            )
        return cls(bucket, prefix)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"


def is_address(text: str) -> bool:
    """Whether a text is meant as an address on S3, not as a path."""
    return text.startswith(SCHEME)
