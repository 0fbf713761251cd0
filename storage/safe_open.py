"""Opening files of a store: regular files only, no links followed, sizes bounded.

A store may have been made by someone else. A link could lead to another file, a pipe or device
would block or never end, and a sparse file could claim any size.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

MAX_ENTRY_BYTES: Final = 1 << 28
"""Maximum size of a log entry."""

MAX_RECORD_BYTES: Final = 1 << 20
"""Maximum size of the small records beside the log: marker, lock, origin, progress."""


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading.

    Raises:
        OSError: it cannot be opened, or is a link, pipe, device or folder (EINVAL).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise _not_regular(path) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_regular(path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


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
    """Return the size of a file, without opening it.

    Raises:
        OSError: there is no such file, or it is not a regular one (EINVAL).
    """
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise _not_regular(path)
    return found.st_size


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "not a regular file", str(path))
