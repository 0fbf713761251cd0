"""The working directory of Ray's workers: an empty one, apart from the user's files.

Ray puts the folder in which `ray.init` is called first into the search path of every worker, on
each node. A file `search.py` of the user's would be found there before this project's package of
that name. The only option of Ray against it is a `working_dir`, which the driver packs and every
node unpacks. Nothing needs the folder: algorithms and data sets come with installed packages or
with tasks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from orchestrator.cluster.private_folder import private_folder

CHECKOUT = Path(__file__).resolve().parents[2]

_FOLDER_VARIABLES = ("SPARSEST_CACHE", "XDG_CACHE_HOME")
"""Environment variables that name a folder, possibly relative to the working directory."""


@contextmanager
def empty_working_directory() -> Iterator[None]:
    """Make an empty folder the working directory, for the time of `ray.init`.

    In a checkout the working directory stays: without an installation, the packages are found by
    it.
    """
    if Path.cwd() == CHECKOUT:
        yield
        return
    _make_variables_absolute()
    folder = private_folder() / "work"
    folder.mkdir(mode=0o700, exist_ok=True)
    with chdir(folder):
        yield


def _make_variables_absolute() -> None:
    """Make paths in the environment absolute: workers inherit it and start in the empty folder."""
    path = os.environ.get("PYTHONPATH")
    if path:
        entries = [os.path.abspath(entry) for entry in path.split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(entries)
    for name in _FOLDER_VARIABLES:
        folder = os.environ.get(name)
        if folder:
            os.environ[name] = os.path.abspath(folder)
