"""The folder of a report: names of its parts, and replacing it as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.scratch import scratch_folder

INDEX: Final = "index.html"
FIGURES: Final = "figures"
CSV: Final = "tables"
DRAWINGS: Final = "networks"

PANELS: Final = "-panels"
"""End of the names of files with all views of a figure side by side."""

MARKER: Final = "report.json"
"""Marks the folder as a report, which may be replaced."""


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Check that a report can be put there.

    Raises:
        OSError: something is there that may not be replaced, or the parent folder does not exist.
    """
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.parent}: create it, or name another")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MARKER).is_file():
        raise FileExistsError(f"{folder} exists and is not a report: name another folder")
    if not overwrite:
        raise FileExistsError(
            f"{folder} holds a report already: name another folder, or replace it (--overwrite)"
        )


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Make a folder that is moved to `final` when the block ends without an exception.

    An existing report is replaced then. What a killed process left behind is removed.

    Raises:
        OSError: the folder cannot be written or moved.
    """
    with scratch_folder(final.parent, ".report-") as scratch:
        made = scratch / "report"
        made.mkdir()
        yield made
        old = scratch / "old"
        if final.exists():
            final.rename(old)
        try:
            made.rename(final)
        except OSError:
            if old.exists():
                old.rename(final)
            raise
