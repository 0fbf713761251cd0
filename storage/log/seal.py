"""Records with a checksum, so that any changed byte is noticed."""

from __future__ import annotations

import hashlib
import re

_SEALED = re.compile(rb'\{"sha256":"([0-9a-f]{64})","record":(.*)\}\n', re.DOTALL)


def seal(record: str) -> bytes:
    """Return the content of a file: a JSON object with the SHA-256 of a record and the record."""
    body = record.encode()
    return b'{"sha256":"%s","record":%s}\n' % (hashlib.sha256(body).hexdigest().encode(), body)


def unseal(data: bytes) -> bytes:
    """Return the JSON text of the record in a file; ValueError if a byte was changed."""
    match = _SEALED.fullmatch(data)
    if match is None:
        raise ValueError("torn, or not a sealed record")
    if hashlib.sha256(match.group(2)).hexdigest().encode() != match.group(1):
        raise ValueError("its content does not match its checksum")
    return match.group(2)
