"""Enumeration of the eligible masks of one layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations


def walk_rows(rows: int, cols: int, nnz: int) -> Iterator[tuple[int, ...]]:
    """Yield all eligible masks in order (docs/paper.md, section 4).

    The order:

        for each sequence of row counts, the topmost count slowest, ascending:
            for each mask with these counts, the bottom row slowest,
                    every row in the order of itertools.combinations:
                if no column is empty and no row exceeds the row above of equal count:
                    yield it

    Yields:
        Rows from the top as integers, the leftmost column the highest bit.
    """
    for counts in count_sequences(rows, nnz, cols):
        yield from _fill(counts, cols, (), (1 << cols) - 1)


def count_sequences(rows: int, nnz: int, most: int) -> Iterator[tuple[int, ...]]:
    """Yield the non-increasing sequences of row counts from 1 to `most` with sum nnz, in order."""
    if rows == 0:
        if nnz == 0:
            yield ()
        return
    for count in range(-(-nnz // rows), min(most, nnz - (rows - 1)) + 1):
        for rest in count_sequences(rows - 1, nnz - count, count):
            yield (count, *rest)


def _fill(
    counts: tuple[int, ...], cols: int, below: tuple[int, ...], uncovered: int
) -> Iterator[tuple[int, ...]]:
    """Yield the masks with these row counts above the rows below, which leave columns empty."""
    if not counts:
        yield below
        return
    *above, count = counts
    reach = sum(above)
    # Of rows with equal counts the upper one is greater or equal as a number.
    least = below[0] if below and below[0].bit_count() == count else 0
    for row in _rows_with(cols, count):
        if row < least:
            break
        still_uncovered = uncovered & ~row
        if still_uncovered.bit_count() <= reach:
            yield from _fill(tuple(above), cols, (row, *below), still_uncovered)


@lru_cache(maxsize=1024)
def _rows_with(cols: int, count: int) -> tuple[int, ...]:
    """Return the rows with `count` nonzeros in the order of itertools.combinations, descending."""
    return tuple(
        sum(1 << (cols - 1 - column) for column in columns)
        for columns in combinations(range(cols), count)
    )
