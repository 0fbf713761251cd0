"""Masks of one layer: their text, and their ranks in the order of the search.

A mask is True for the weights of a layer that can be nonzero. Rows are outputs, columns are inputs;
the text has one group of digits for each row. The bit order, for the text "10|01|11":

                 input 0   input 1
    output 0        1         0        "10", as a number 0b10: the leftmost column is the
    output 1        0         1        "01"                     highest bit
    output 2        1         1        "11"

The search tries the eligible masks (docs/paper.md, section 4): every row and every column has a
nonzero; row counts do not increase from top to bottom; of neighbouring rows with equal counts the
upper one is greater or equal as a number. This selects one of all row permutations of a mask, but
not one of all renamings of hidden neurons, which also permute the columns of the next layer
(`search.masks.renaming`). `search.masks.walk` states the order.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from search.masks.ranks import count_rows, rank_rows, unrank_rows

if TYPE_CHECKING:  # imported where it is needed: texts do without
    import numpy as np
    from numpy.typing import NDArray

MAX_WEIGHTS = 512
"""Maximum number of weights of a layer whose eligible masks are counted. That takes up to seconds;
with twice as many weights it would take a minute."""

_TEXT = re.compile(r"[01]+(\|[01]+)*")


def parse_mask(text: str) -> NDArray[np.bool_]:
    """Return the mask, bool [outputs, inputs], of a text.

    A ValueError unless it is rows of 0 and 1 of equal length separated by "|".
    """
    if not _TEXT.fullmatch(text):
        raise ValueError(f"not a mask: {text!r}; a mask is rows of 0 and 1, such as '10|01|11'")
    rows = text.split("|")
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"not a mask: {text!r}; its rows differ in length")
    import numpy as np

    return np.array([[digit == "1" for digit in row] for row in rows])


def mask_text(mask: NDArray[np.bool_]) -> str:
    """Return the text of a mask [outputs, inputs], the inverse of `parse_mask`."""
    return "|".join("".join("1" if kept else "0" for kept in row) for row in mask)


def dense_mask(rows: int, cols: int) -> str:
    """Return the text of the mask that keeps every weight."""
    return "|".join(["1" * cols] * rows)


def is_eligible(text: str) -> bool:
    """Return whether the search tries this mask."""
    rows = text.split("|")
    # Texts of equal length are ordered as their numbers.
    ranks = [(row.count("1"), row) for row in rows]
    return (
        all(count > 0 for count, _ in ranks)
        and all("1" in column for column in zip(*rows, strict=True))
        and all(upper >= lower for upper, lower in pairwise(ranks))
    )


def count_masks(rows: int, cols: int, nnz: int) -> int:
    """Return the number of eligible masks of a layer of 1 to `MAX_WEIGHTS` weights."""
    if rows * cols > MAX_WEIGHTS:
        raise ValueError(
            f"a layer with {rows} outputs and {cols} inputs has {rows * cols} weights, too many to "
            f"enumerate its masks; allowed: {MAX_WEIGHTS}"
        )
    return count_rows(rows, cols, nnz)


def unrank_mask(rows: int, cols: int, nnz: int, index: int) -> str:
    """Return the eligible mask at an index of the order, without listing the others.

    An IndexError unless 0 <= index < `count_masks(rows, cols, nnz)`.
    """
    count = count_masks(rows, cols, nnz)
    if not 0 <= index < count:
        raise IndexError(f"{rows}x{cols} has {count} masks with {nnz} nonzeros, none at {index}")
    return rows_text(unrank_rows(rows, cols, nnz, index), cols)


def rank_mask(text: str) -> int:
    """Return the index of an eligible mask among those of its shape and number of nonzeros.

    A ValueError if the mask is not eligible.
    """
    cols = parse_mask(text).shape[1]
    if not is_eligible(text):
        raise ValueError(
            f"mask {text!r} is not eligible: it has an empty row or column, or its rows are not in "
            "order (most nonzeros first, then the greatest number first)"
        )
    return rank_rows(cols, tuple(int(row, 2) for row in text.split("|")))


def rows_text(mask: tuple[int, ...], cols: int) -> str:
    """Return the text of a mask given as the numbers of its rows."""
    return "|".join(format(row, f"0{cols}b") for row in mask)
