"""The eligible masks of one layer as lazily indexed sequences of text (see `search.masks.text`)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, islice
from typing import Any, overload

from search.masks.text import count_masks, rank_mask, rows_text, unrank_mask
from search.masks.walk import walk_rows

_LISTED_MASKS = 4096
"""Sequences up to this length are kept as lists, half a megabyte each: an element in a tenth of a
microsecond, against 20 for a neighbouring rank and 200 to 50,000 for an arbitrary one."""


@dataclass(frozen=True)
class Masks(Sequence[str]):
    """Eligible masks of a layer with so many nonzeros, in order, as text; made when asked for.

    `len` is limited to 2^63 - 1, `size` is not.

    Attributes:
        rows: outputs of the layer.
        cols: inputs of the layer.
        nnz: nonzeros of each mask.
        limit: only so many first masks; None for all.
    """

    rows: int
    cols: int
    nnz: int
    limit: int | None = None

    @cached_property
    def size(self) -> int:
        """How many there are."""
        count = count_masks(self.rows, self.cols, self.nnz)
        return count if self.limit is None else min(count, self.limit)

    def definition(self) -> dict[str, Any]:
        """All that decides the sequence, as plain JSON."""
        return {"masks": [self.rows, self.cols, self.nnz, self.limit]}

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self.size))]
        if index < 0:
            index += self.size
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
        rows: outputs of the layer.
        cols: inputs of the layer.
    """

    rows: int
    cols: int

    @cached_property
    def _parts(self) -> list[Masks]:
        fewest = max(self.rows, self.cols)
        return [
            Masks(self.rows, self.cols, nnz) for nnz in range(fewest, self.rows * self.cols + 1)
        ]

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((part.size for part in self._parts), initial=0))

    @property
    def size(self) -> int:
        """How many there are: any integer, where `len` would stop at 2^63 - 1."""
        return self._starts[-1]

    def __getitem__(self, index: int) -> str:
        """One mask.

        Raises:
            IndexError: not 0 <= index < `size`.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"index out of range: there are {self.size} masks")
        part = bisect_right(self._starts, index) - 1
        return self._parts[part][index - self._starts[part]]

    def index(self, mask: str) -> int:
        """The place of a mask.

        Raises:
            ValueError: it has another shape, or is not eligible.
        """
        rows = mask.split("|")
        if (len(rows), len(rows[0])) != (self.rows, self.cols):
            raise ValueError(f"mask {mask!r} is not of {self.rows} rows and {self.cols} columns")
        rank = rank_mask(mask)
        return self._starts[mask.count("1") - max(self.rows, self.cols)] + rank

    def definition(self) -> dict[str, Any]:
        """All that decides the sequence, as plain JSON."""
        return {"masks": [self.rows, self.cols]}


@lru_cache(maxsize=256)
def _listed(rows: int, cols: int, nnz: int, size: int) -> list[str]:
    return list(Masks(rows, cols, nnz, limit=size))
