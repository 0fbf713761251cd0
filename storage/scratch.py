"""Scratch folders next to an output; the next process removes those of killed ones."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = ".in-use"
"""Marks a folder of this module; its owner holds a lock on it."""


@contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder in `parent`, which must be writable, and remove it on exit.

    Folders with this prefix whose process has died are removed first.
    """
    _remove_leftovers(parent, prefix)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        folder = Path(name)
        unlocked = folder / f"{_LOCK}.new"
        with unlocked.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Renamed once it is locked: a folder with an unlocked mark has no owner.
            unlocked.rename(folder / _LOCK)
            yield folder


def replace_text(path: Path, text: str) -> None:
    """Write a text file that is never seen half-written; OSError if it cannot be written."""
    with scratch_folder(path.parent, f".{path.name}-") as folder:
        complete = folder / path.name
        complete.write_text(text, encoding="utf-8")
        complete.replace(path)


def _remove_leftovers(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*/"):
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, or not a folder of this module
