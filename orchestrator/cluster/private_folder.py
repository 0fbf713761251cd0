"""The folder of this process for Ray's files, which no other user of the machine can enter."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

MAX_SOCKET_PATH = 107
"""Maximum length of the path of a socket, in bytes."""

_LONGEST_SOCKET = "session_2026-01-31_23-59-59_999999_4194304/sockets/plasma_store"
"""Longest path of a socket below Ray's temporary folder."""

_numbers = count()


def ray_folder() -> Path:
    """Return a new folder for the sockets and logs of one Ray.

    Ray opens it to all users, like those below it; the private folder around it keeps them out.
    """
    folder = private_folder() / f"r{next(_numbers)}"
    folder.mkdir()
    return folder


@cache
def private_folder() -> Path:
    """Return the private folder, which is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="sparsest-", dir=_folder_with_a_short_path())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _folder_with_a_short_path() -> str:
    """Return the user's folder for temporary files, or /tmp if sockets in it had too long paths."""
    room = MAX_SOCKET_PATH - len(f"/sparsest-12345678/r10/{_LONGEST_SOCKET}")
    for folder in (os.environ.get("RAY_TMPDIR"), tempfile.gettempdir()):
        if folder and len(os.fsencode(os.path.abspath(folder))) <= room:
            return os.path.abspath(folder)
    return "/tmp"
