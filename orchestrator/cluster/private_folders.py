"""The folders of this process for Ray, which no other user of the machine can enter.

One is the working directory of Ray's workers: an empty one, apart from the user's files.

Ray puts the folder in which `ray.init` is called first into the search path of every worker, on
each node. A file `search.py` of the user's would be found there before this project's package of
that name. The only option of Ray against it is a `working_dir`, which the driver packs and every
node unpacks. Nothing needs the folder: algorithms and data sets come with installed packages or
with tasks.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import cache
from itertools import count
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

_FOLDER_VARIABLES = ("SPARSEST_CACHE", "XDG_CACHE_HOME")
"""Environment variables that name a folder, possibly relative to the working directory."""

MAX_SOCKET_PATH = 107
"""Maximum length of the path of a socket, in bytes."""

_LONGEST_SOCKET = "session_2026-01-31_23-59-59_999999_4194304/sockets/plasma_store"
"""Longest path of a socket below Ray's temporary folder."""

_numbers = count()


@contextmanager
def empty_working_directory() -> Iterator[None]:
    """Make an empty folder the working directory, for the time of `ray.init`.

    In a checkout the working directory stays: without an installation, the packages are found by
    it.
    """
    if Path.cwd() == CHECKOUT:
        yield
        return
    # Workers inherit the environment and start in the empty folder.
    path = os.environ.get("PYTHONPATH")
    if path:
        entries = [os.path.abspath(entry) for entry in path.split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(entries)
    for name in _FOLDER_VARIABLES:
        if named := os.environ.get(name):
            os.environ[name] = os.path.abspath(named)
    folder = private_folder() / "work"
    folder.mkdir(mode=0o700, exist_ok=True)
    with chdir(folder):
        yield


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
