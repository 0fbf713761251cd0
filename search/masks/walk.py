"""The eligible masks of one layer, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations


def walk_rows(rows: int, cols: int, nnz: int) -> Iterator[tuple[int, ...]]:
    """All eligible masks in their order (docs/paper.md, section 4).

    In words:

        for each sequence of row counts, the topmost count varying slowest, ascending:
            for each mask with these counts, the bottom row varying slowest,
                    every row in the order of itertools.combinations:
                if no column is empty and no row exceeds the row above of equal count:
                    yield it

    Yields:
        Rows from the top as integers, the leftmost column the highest bit.
    """
    for counts in count_sequences(rows, nnz, cols):
        yield from _fill(counts, cols, (), (1 << cols) - 1)


def count_sequences(rows: int, nnz: int, most: int) -> Iterator[tuple[int, ...]]:
    """Non-increasing sequences of row counts with the given sum, each 1 to `most`, in order."""
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
    """Masks with these counts above the rows that stand already, which leave columns uncovered."""
    if not counts:
        yield below
        return
    *above, count = counts
    reach = sum(above)
    # Of rows with equal counts the upper one is the greater or equal number.
    least = below[0] if below and below[0].bit_count() == count else 0
    for row in _rows_with(cols, count):
        if row < least:
            break
        still_uncovered = uncovered & ~row
        if still_uncovered.bit_count() <= reach:
            yield from _fill(tuple(above), cols, (row, *below), still_uncovered)


@lru_cache(maxsize=1024)
def _rows_with(cols: int, count: int) -> tuple[int, ...]:
    """Rows with so many nonzeros, in the order of itertools.combinations (descending numbers)."""
    return tuple(
        sum(1 << (cols - 1 - column) for column in columns)
        for columns in combinations(range(cols), count)
    )
