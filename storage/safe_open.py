"""Opening files of a store: regular files only, no links followed, sizes bounded.

A store may have been made by someone else. A link could lead to another file, a pipe or device
would block or never end, and a sparse file could claim any size.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Final

MAX_ENTRY_BYTES: Final = 1 << 28
"""Maximum size of a log entry."""

MAX_RECORD_BYTES: Final = 1 << 20
"""Maximum size of the small records beside the log: marker, lock, origin, progress."""


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; OSError (EINVAL) if it is a link, pipe, device or folder."""
    return os.fdopen(_open(path, os.O_RDONLY), "rb")


def read_regular(path: Path, max_bytes: int = MAX_RECORD_BYTES) -> bytes:
    """Return the content of a file.

    Raises:
        OSError: as for `open_regular`, or the file is larger than `max_bytes` (EFBIG).
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > max_bytes:
            raise OSError(errno.EFBIG, f"larger than {max_bytes:,} bytes", str(path))
        return file.read(max_bytes)


def regular_size(path: Path) -> int:
    """Return the size of a file, without opening it; OSError (EINVAL) unless it is regular."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise _not_regular(path)
    return found.st_size


def append_regular(path: Path) -> TextIOWrapper:
    """Open a text file for appending, and make it if need be; errors as for `open_regular`."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return os.fdopen(_open(path, flags), "a", encoding="utf-8")


def _open(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket, or a pipe without reader
            raise _not_regular(path) from error
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _not_regular(path)


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "not a regular file", str(path))
