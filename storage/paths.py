"""Where everything in a store lies.

- STORE/store.json: says that this is a store, and of which format.
- STORE/lock: held by the one writer; names it.
- STORE/data/<uuid>.parquet: results, immutable.
- STORE/log/00000001.json: numbered log entries, immutable, the truth about what is stored.
- STORE/live.json: how far the running sweep is, for watchers; of no meaning when none runs.
- STORE/planned.json: how many experiments of each study were asked for, for watchers alone.
- STORE/tmp/<uuid>: files being written that are not published yet, of no meaning after a crash.
- STORE/quarantine/: files taken out of the store because they were damaged or unexplained.
- STORE/origin.json: in a working copy of a store on S3, where that one is.
- STORE.log: the text log of runs, beside the store.

Working copies lie in CACHE/s3.

Published results lie in files of their own, RESULTS/STUDY.parquet; what is computed from them once
is kept as CACHE/published/STUDY-<digest>.parquet.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

PART_NAME = r"[0-9a-f]{32}\.parquet"
"""Regular expression of the name of a data file; it cannot lead out of its folder."""

_PART = re.compile(PART_NAME)
_ENTRY_NAME = re.compile(r"(\d{8,})\.json")

PUBLISHED_FOLDER: Final = "SPARSEST_RESULTS"
"""Environment variable: the folder of the published results, where it is not the checkout's."""


@dataclass(frozen=True)
class StorePaths:
    """The paths of one store.

    Attributes:
        root: the folder of the store, absolute.
    """

    root: Path

    @classmethod
    def of(cls, path: str | Path) -> StorePaths:
        """The paths of the store at `path`, which may begin with ~ or be relative."""
        return cls(Path(path).expanduser().absolute())

    @property
    def marker(self) -> Path:
        """The file that makes a folder a store."""
        return self.root / "store.json"

    @property
    def lock(self) -> Path:
        """The file that the writer holds a lock on."""
        return self.root / "lock"

    @property
    def data(self) -> Path:
        """The folder of the Parquet files."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """The folder of the log entries."""
        return self.root / "log"

    @property
    def tmp(self) -> Path:
        """The folder of files that are not published yet."""
        return self.root / "tmp"

    @property
    def quarantine(self) -> Path:
        """The folder of files that were found damaged; there is none before the first."""
        return self.root / "quarantine"

    @property
    def live(self) -> Path:
        """The file for those who watch a sweep."""
        return self.root / "live.json"

    @property
    def planned(self) -> Path:
        """The file that says how much of each study was asked for."""
        return self.root / "planned.json"

    @property
    def origin(self) -> Path:
        """The file that names the store on S3 that this one is a working copy of."""
        return self.root / "origin.json"

    @property
    def run_log(self) -> Path:
        """The text log of runs."""
        return self.root.with_name(self.root.name + ".log")

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders inside the store."""
        return (self.data, self.log, self.tmp)

    def part(self, name: str) -> Path:
        """The data file of that name."""
        return self.data / name

    def entry(self, number: int) -> Path:
        """The log entry of that number, from 1."""
        return self.log / f"{number:08d}.json"

    def new_part(self) -> Path:
        """A data file that does not exist yet."""
        return self.data / f"{uuid4().hex}.parquet"

    def new_quarantined_entry(self, number: int) -> Path:
        """Where a damaged log entry can be kept; there is nothing yet."""
        return self.quarantine / f"{number:08d}-{uuid4().hex}.json"

    def new_temporary(self) -> Path:
        """A temporary file that does not exist yet."""
        return self.tmp / uuid4().hex


def entry_number(name: str) -> int | None:
    """The number of a log entry by its file name, None where the name is not one of a log entry."""
    match = _ENTRY_NAME.fullmatch(name)
    return int(match.group(1)) if match else None


def is_part(name: str) -> bool:
    """Whether a file name is one of a data file."""
    return _PART.fullmatch(name) is not None


def list_unpublished(paths: StorePaths) -> list[Path]:
    """All temporary files, and all data files whether or not the log names them.

    Raises:
        OSError: a folder cannot be listed.
    """
    parts = [file for file in paths.data.iterdir() if is_part(file.name)]
    return [*(file for file in paths.tmp.iterdir() if not file.is_dir()), *parts]


def published_folder() -> Path:
    """$SPARSEST_RESULTS, else the folder `results` of the checkout that this code is run from.

    The folder need not exist: a wheel has the code without the results.
    """
    named = os.environ.get(PUBLISHED_FOLDER)
    if named:
        return Path(named).expanduser().absolute()
    return Path(__file__).resolve().parent.parent / "results"


def published_file(folder: Path, study_name: str) -> Path:
    """The published results of a study."""
    return folder / f"{study_name}.parquet"


def restored_file(cache: Path, study_name: str, digest: str) -> Path:
    """The published results of a study with all columns, in a cache folder.

    Args:
        cache: the folder.
        study_name: of the study.
        digest: of what the columns were computed from.
    """
    return cache / "published" / f"{study_name}-{digest}.parquet"
