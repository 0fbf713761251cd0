"""Data files that are not what was written."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from storage.data.parts import check_part_content
from storage.errors import DataFileDamaged
from storage.log.entries import RowsCommitted
from storage.paths import StorePaths

_LOST = (errno.ENOENT, errno.EIO)
"""With these errors a file cannot be read by anybody; with others, such as a lack of permission,
it may well be whole."""


@dataclass(frozen=True)
class SetAsideFile:
    """A damaged data file that was taken out of a store.

    Attributes:
        file: where it lies now; there is nothing if it was missing.
        problem: what was wrong with it.
        rows: that it held.
    """

    file: Path
    problem: str
    rows: int


def find_damage(paths: StorePaths, parts: Iterable[RowsCommitted]) -> dict[str, str]:
    """Reads data files and holds every byte against the log.

    Returns:
        Name of each damaged file -> what is wrong with it.

    Raises:
        DataFileDamaged: a file may be well, but cannot be read by this user.
    """
    damage = {}
    for part in parts:
        try:
            check_part_content(paths, part)
        except DataFileDamaged as problem:
            cause = problem.__cause__
            if isinstance(cause, OSError) and cause.errno not in _LOST:
                raise
            damage[part.file] = problem.problem
    return damage
