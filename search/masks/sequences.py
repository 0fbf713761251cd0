"""Lazily indexed sequences of the eligible masks of one layer (see `search.masks.text`)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from typing import Any

from search.masks.text import count_masks, rank_mask, rows_text, unrank_mask
from search.masks.walk import walk_rows

_LISTED_MASKS = 4096
"""Maximum length of sequences that are kept as lists, half a megabyte each: an access takes 0.1 us
instead of 20 us for a neighbouring index and 200 us to 50 ms for an arbitrary one."""


@dataclass(frozen=True)
class EligibleMasks:
    """The eligible masks of a layer with `nnz` nonzeros, in order, as text.

    `len` is limited to 2^63 - 1, `size` is not.

    Attributes:
        rows: number of outputs of the layer.
        cols: number of inputs of the layer.
        nnz: number of nonzeros of each mask.
        limit: length of the prefix that the sequence is limited to; None for all masks.
    """

    rows: int
    cols: int
    nnz: int
    limit: int | None = None

    @cached_property
    def size(self) -> int:
        """Number of masks."""
        count = count_masks(self.rows, self.cols, self.nnz)
        return count if self.limit is None else min(count, self.limit)

    def definition(self) -> dict[str, Any]:
        """Return everything that decides the sequence, as JSON values."""
        return {"masks": [self.rows, self.cols, self.nnz, self.limit]}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> str:
        """Return one mask."""
        if not 0 <= index < self.size:
            raise IndexError(f"index out of range: there are {self.size} masks")
        if self.size <= _LISTED_MASKS:
            return _listed(self.rows, self.cols, self.nnz, self.size)[index]
        return unrank_mask(self.rows, self.cols, self.nnz, index)

    def __iter__(self) -> Iterator[str]:
        walk = walk_rows(self.rows, self.cols, self.nnz)
        return (rows_text(mask, self.cols) for mask in islice(walk, self.limit))


@dataclass(frozen=True)
class AllMasks:
    """Every eligible mask of a layer, the number of nonzeros slowest, ascending.

    Attributes:
        rows: number of outputs of the layer.
        cols: number of inputs of the layer.
    """

    rows: int
    cols: int

    @cached_property
    def _parts(self) -> list[EligibleMasks]:
        counts = range(max(self.rows, self.cols), self.rows * self.cols + 1)
        return [EligibleMasks(self.rows, self.cols, nnz) for nnz in counts]

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((part.size for part in self._parts), initial=0))

    @property
    def size(self) -> int:
        """Number of masks; it can exceed 2^63 - 1, the limit of `len`."""
        return self._starts[-1]

    def __getitem__(self, index: int) -> str:
        """Return one mask."""
        if not 0 <= index < self.size:
            raise IndexError(f"index out of range: there are {self.size} masks")
        part = bisect_right(self._starts, index) - 1
        return self._parts[part][index - self._starts[part]]

    def index(self, mask: str) -> int:
        """Return the index of a mask; a ValueError if it has another shape or is not eligible."""
        rows = mask.split("|")
        if (len(rows), len(rows[0])) != (self.rows, self.cols):
            raise ValueError(f"mask {mask!r} is not {self.rows}x{self.cols}")
        rank = rank_mask(mask)
        return self._starts[mask.count("1") - max(self.rows, self.cols)] + rank

    def definition(self) -> dict[str, Any]:
        """Return everything that decides the sequence, as JSON values."""
        return {"masks": [self.rows, self.cols]}


@lru_cache(maxsize=256)
def _listed(rows: int, cols: int, nnz: int, size: int) -> list[str]:
    return list(EligibleMasks(rows, cols, nnz, limit=size))
