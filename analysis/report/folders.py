"""The folder of a report: where things lie in it, and how it is put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Final

INDEX: Final = "index.html"
FIGURES: Final = "figures"
CSV: Final = "tables"
DRAWINGS: Final = "networks"

MARKER: Final = "report.json"
"""Says that the folder is a report, so that it may be replaced."""


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Makes sure that a report can be put there.

    Raises:
        FileExistsError: something is there that may not be replaced.
        FileNotFoundError: the folder that it would be in is not there.
    """
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.parent}: make it, or name another")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MARKER).is_file():
        raise FileExistsError(f"{folder} is there and is no report: name another folder")
    if not overwrite:
        raise FileExistsError(
            f"{folder} holds a report already: name another folder, or replace it (--overwrite)"
        )


def put_in_place(made: Path, final: Path) -> None:
    """Renames the complete report; an old one is moved aside, and back where that fails.

    Args:
        made: in a folder of its own, where the old one ends.
        final: beside that folder.

    Raises:
        OSError: it cannot be renamed.
    """
    old = made.parent / "old"
    if final.exists():
        final.rename(old)
    try:
        made.rename(final)
    except OSError:
        if old.exists():
            old.rename(final)
        raise
