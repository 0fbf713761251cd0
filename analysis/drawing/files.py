"""Writing a drawing to a file: the same drawing is the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import matplotlib.style
from matplotlib.figure import Figure

SUFFIXES: Final = (".svg", ".png", ".pdf")

_DOTS_PER_INCH = 160
"""Of a PNG, and of what is an image in the others."""

# Without them a file would hold the time, and the version of matplotlib.
_METADATA: Final[dict[str, dict[str, str | None]]] = {
    ".svg": {"Date": None, "Creator": "sparsest"},
    ".png": {"Software": "sparsest"},
    ".pdf": {"CreationDate": None, "Creator": "sparsest", "Producer": "sparsest"},
}


def check_drawing_path(path: Path, *, overwrite: bool = False) -> None:
    """Makes sure that a drawing can be written there, before it is made.

    Raises:
        ValueError: another suffix than `SUFFIXES`.
        FileExistsError: there is something already, and `overwrite` is not set.
        FileNotFoundError: its folder is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{path}: a drawing is written as {', '.join(SUFFIXES)}: name a file that ends so"
        )
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder; name a file")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists already: name another file, or overwrite it (--overwrite)"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: make it, or name another")


def save_drawing(figure: Figure, path: str | Path, *, overwrite: bool = False) -> None:
    """Writes a figure in the format that the suffix says; the file appears when it is complete.

    Args:
        figure: of `analysis.drawing.figure.draw`.
        path: ends in one of `SUFFIXES`.
        overwrite: replace what is there.

    Raises:
        ValueError: another suffix.
        OSError: it cannot be written, or is there already and `overwrite` is not set.
    """
    final = Path(path).expanduser().absolute()
    check_drawing_path(final, overwrite=overwrite)
    suffix = final.suffix.lower()
    with (
        tempfile.TemporaryDirectory(prefix=".drawing-", dir=final.parent) as folder,
        # Whatever is set for the plots of a notebook.
        matplotlib.style.context("default"),
        matplotlib.rc_context(
            {
                "svg.hashsalt": "sparsest",  # ids of its parts would be random otherwise
                "svg.fonttype": "path",  # looks the same whatever fonts its reader has
                "image.composite_image": False,  # every picture keeps its own pixels
            }
        ),
    ):
        aside = Path(folder) / f"drawing{suffix}"
        figure.savefig(aside, dpi=_DOTS_PER_INCH, metadata=_METADATA[suffix])
        aside.replace(final)
