"""Writing drawings to files: the same drawing always gives the same bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import matplotlib.style
from matplotlib.figure import Figure

from analysis.drawing.palette import STYLE
from storage.scratch import scratch_folder

# Resolution of images in dots per inch, and metadata: the defaults hold the time and matplotlib's
# version. Journals ask for 300; SVG files are for screens, and there are many.
_FORMATS: Final[dict[str, tuple[int, dict[str, str | None]]]] = {
    ".svg": (160, {"Date": None, "Creator": "sparsest"}),
    ".png": (300, {"Software": "sparsest"}),
    ".pdf": (300, {"CreationDate": None, "Creator": "sparsest", "Producer": "sparsest"}),
}

SUFFIXES: Final = tuple(_FORMATS)
"""Supported file formats."""


def check_drawing_path(path: Path) -> None:
    """Check that a drawing can be written to a path, before it is made.

    Raises:
        ValueError: the suffix is not one of `SUFFIXES`.
        OSError: the path is a folder, a device or a pipe, or its folder does not exist.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: unknown format; the name must end in {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise FileExistsError(f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is not a regular file; name another")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: create it, or name another")


def save_drawing(figure: Figure, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a figure in the format of the path's suffix; the file appears when it is complete.

    Args:
        figure: figure of `analysis.drawing.figure.draw` or any other matplotlib figure.
        path: file whose name ends in one of `SUFFIXES`; of a link, its target is written.
        overwrite: whether to replace an existing file that holds another drawing.

    Raises:
        ValueError: the suffix is not one of `SUFFIXES`.
        OSError: the file cannot be written, or holds something else and `overwrite` is not set.

    Example:
        >>> import sparsest
        >>> network = sparsest.train(structure="3x2", epochs=1).networks()[0]
        >>> sparsest.save_drawing(sparsest.draw(network), "network.svg")
    """
    final = Path(os.path.realpath(Path(path).expanduser()))
    check_drawing_path(final)
    suffix = final.suffix.lower()
    with (
        scratch_folder(final.parent, ".drawing-") as folder,
        matplotlib.style.context(STYLE),
        matplotlib.rc_context(
            {
                "svg.hashsalt": "sparsest",  # ids would be random otherwise
                "svg.fonttype": "path",  # the same appearance without the fonts
                "image.composite_image": False,  # every picture keeps its own pixels
            }
        ),
    ):
        complete = folder / f"drawing{suffix}"
        dots_per_inch, metadata = _FORMATS[suffix]
        figure.savefig(complete, dpi=dots_per_inch, metadata=metadata)
        if not overwrite and final.exists() and final.read_bytes() != complete.read_bytes():
            raise FileExistsError(
                f"{path} exists and holds something else: name another file, or replace it "
                "(--overwrite)"
            )
        complete.replace(final)
