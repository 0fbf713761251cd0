"""Paths of stores and of published results.

Working copies of stores on S3 are in CACHE/s3. Published results are RESULTS/STUDY.parquet; the
columns that are computed from them once are kept in CACHE/published/STUDY-<digest>.parquet.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from uuid import uuid4

from storage.errors import NotAStore

PART_NAME = r"[0-9a-f]{32}\.parquet"
"""Regular expression of the name of a data file. Such a name cannot lead out of its folder."""

_CHECKOUT = Path(__file__).resolve().parent.parent
_ENTRY_NAME = re.compile(r"(\d{8,})\.json")
_SYSTEM_NAMES = frozenset({"lost+found", "Thumbs.db", "desktop.ini"})

PUBLISHED_FOLDER: Final = "SPARSEST_RESULTS"
"""Environment variable that names the folder of published results."""


class StorePaths:
    """Paths of one store.

    Args:
        path: folder of the store, which may start with ~ or be relative.

    Attributes:
        root: folder of the store, absolute.
        marker: file that marks the folder as a store, and names its format.
        lock: file that the one writer locks, and that names it.
        data: folder of the results, <uuid>.parquet, immutable.
        log: folder of the numbered log entries, 00000001.json, immutable. They define what is
            stored.
        tmp: folder of files that are not published yet, meaningless after a crash. A data file
            that is being committed keeps its name here until its log entry is published, so that
            the leftovers of a killed commit can be told from data files whose entry was lost.
        folders: folders that every store has.
        quarantine: folder of damaged and unexplained files; it is made for the first of them.
        live, planned: see `storage.status_files`.
        origin: in a working copy of a store on S3, the address of that store.
        run_log: text log of runs, beside the store.

    Raises:
        NotAStore: the path is not UTF-8, so that the libraries that read data files would open
            another path.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            root = Path(path).expanduser().absolute()
        except RuntimeError:  # no home folder for that ~name
            root = Path(path).absolute()
        if os.fsencode(root) != str(root).encode(errors="backslashreplace"):
            raise NotAStore(
                f"The path {str(root)!a} is not UTF-8, which a store's path has to be. Rename "
                "the folder, and use a UTF-8 locale (such as LC_ALL=C.UTF-8)."
            )
        self.root = root
        self.marker = root / "store.json"
        self.lock = root / "lock"
        self.data = root / "data"
        self.log = root / "log"
        self.tmp = root / "tmp"
        self.folders = (self.data, self.log, self.tmp)
        self.quarantine = root / "quarantine"
        self.live = root / "live.json"
        self.planned = root / "planned.json"
        self.origin = root / "origin.json"
        self.run_log = root.parent / f"{root.name}.log"

    def has_store(self) -> bool:
        """Return whether the folder has more than `origin`, all that a missing store on S3 has."""
        return self.root.exists() and (self.marker.exists() or not self.origin.exists())

    def part(self, name: str) -> Path:
        """Return the path of a data file."""
        return self.data / name

    def entry(self, number: int) -> Path:
        """Return the path of a log entry; numbers start at 1."""
        return self.log / f"{number:08d}.json"

    def new_part(self) -> Path:
        """Return the path of a data file that does not exist yet."""
        return self.data / f"{uuid4().hex}.parquet"

    def new_temporary(self) -> Path:
        """Return the path of a temporary file that does not exist yet."""
        return self.tmp / uuid4().hex


def entry_number(name: str) -> int | None:
    """Return the number in the file name of a log entry, None for any other name."""
    match = _ENTRY_NAME.fullmatch(name)
    return int(match.group(1)) if match else None


def is_part(name: str) -> bool:
    """Return whether a file name is that of a data file."""
    return re.fullmatch(PART_NAME, name) is not None


def is_system_file(name: str) -> bool:
    """Return whether a file was put there by the operating system or a file manager.

    Such files are ignored in a store: hidden files such as .DS_Store and .nfs123, lost+found, ...
    """
    return name.startswith(".") or name in _SYSTEM_NAMES


def published_folder() -> Path:
    """Return $SPARSEST_RESULTS, else the folder `results` of the checkout that has this code.

    The folder need not exist: a wheel has the code without the results.
    """
    named = os.environ.get(PUBLISHED_FOLDER)
    return Path(named).expanduser().absolute() if named else _CHECKOUT / "results"


def published_file(folder: Path, study_name: str) -> Path:
    """Return the path of a study's published results."""
    return folder / f"{study_name}.parquet"
