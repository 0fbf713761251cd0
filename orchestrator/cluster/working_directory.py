"""Ray is started in an empty folder: workers must not import what lies in the user's.

Ray puts the folder in which `ray.init` is called first into the path of every worker, on each node.
Its one option against that is a `working_dir`, which the driver packs and every node unpacks. A
file `search.py` of the user's would be found there before this project's package of that name.
Nothing needs that folder: algorithms and data sets come with installed packages.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]

_FOLDERS = ("SPARSEST_CACHE", "XDG_CACHE_HOME")
"""Environment variables that name a folder, which a worker may be given relative to the user's."""


@contextmanager
def empty_working_directory() -> Iterator[None]:
    """For the time of `ray.init`, the current folder is an empty one.

    In a checkout that is not installed it stays: the packages themselves are found by it.
    """
    if Path.cwd() == _ROOT:
        yield
        return
    _make_absolute()
    with chdir(_empty_folder()):
        yield


def _make_absolute() -> None:
    """Workers inherit the environment, and begin in the empty folder."""
    path = os.environ.get("PYTHONPATH")
    if path:
        entries = [os.path.abspath(entry) for entry in path.split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(entries)
    for name in _FOLDERS:
        folder = os.environ.get(name)
        if folder:
            os.environ[name] = os.path.abspath(folder)


@cache
def _empty_folder() -> str:
    """One for the whole process, which nobody else may write to; it stays as long as Ray does."""
    folder = tempfile.mkdtemp(prefix="sparsest-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
