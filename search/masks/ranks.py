"""Counting, ranking and unranking the eligible masks of one layer without listing any.

Here masks are tuples of rows as integers, from the top row down, the leftmost column the highest
bit. `search.masks.text` has the order and the eligibility rules.

"Every column has a nonzero" is the only rule that relates the rows. Inclusion-exclusion over the
empty columns removes it: with a set S of columns forbidden, rows of equal count c are a multiset of
the C(columns - |S|, c) combinations that avoid S, and groups of different count are independent.
Sets S that lead to the same numbers are counted once, so the time to count is polynomial in the
size of a layer, and unranking 16x16 takes a few seconds at most.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

_CACHED_COUNTS = 1 << 17
"""Number of cached partial counts; neighbouring ranks share nearly all of theirs."""

Groups = tuple[tuple[int, int], ...]
"""Pairs of a row count and the number of rows with it."""


@lru_cache(maxsize=4096)
def count_rows(rows: int, cols: int, nnz: int) -> int:
    """Return the number of eligible masks."""
    if rows < 1 or cols < 1:
        raise ValueError(f"a layer has at least one row and one column, not {rows}x{cols}")
    return sum(
        (-1) ** empty * comb(cols, empty) * _count_any(cols - empty, cols - empty, rows, nnz)
        for empty in range(cols)
    )


def unrank_rows(rows: int, cols: int, nnz: int, index: int) -> tuple[int, ...]:
    """Return the mask at an index below `count_rows`."""
    counts, index = _unrank_counts(rows, cols, nnz, index)
    uncovered = (1 << cols) - 1
    mask = [0] * rows
    for row in reversed(range(rows)):
        group, above = _groups(counts[: row + 1])
        mask[row] = _unrank_row(cols, group, above, uncovered, index)
        index -= _completions(cols, mask[row], False, group, above, uncovered)
        uncovered &= ~mask[row]
    return tuple(mask)


def rank_rows(cols: int, mask: tuple[int, ...]) -> int:
    """Return the index of an eligible mask, the inverse of `unrank_rows`."""
    counts = tuple(row.bit_count() for row in mask)
    index = _rank_counts(cols, counts)
    uncovered = (1 << cols) - 1
    for row in reversed(range(len(mask))):
        group, above = _groups(counts[: row + 1])
        index += _completions(cols, mask[row], False, group, above, uncovered)
        uncovered &= ~mask[row]
    return index


def _unrank_counts(rows: int, cols: int, nnz: int, index: int) -> tuple[tuple[int, ...], int]:
    """Return the row counts of the mask at an index, and its index among masks with them."""
    counts: tuple[int, ...] = ()
    for _ in range(rows):
        for count in _next_counts(rows, cols, nnz, counts):
            ways = _count_with_counts(rows, cols, nnz, (*counts, count))
            if index < ways:
                counts = (*counts, count)
                break
            index -= ways
        else:
            raise IndexError(f"there are fewer {rows}x{cols} masks with {nnz} nonzeros")
    return counts, index


def _rank_counts(cols: int, counts: tuple[int, ...]) -> int:
    """Return the number of masks before the first one with these row counts."""
    rows, nnz = len(counts), sum(counts)
    return sum(
        _count_with_counts(rows, cols, nnz, (*counts[:row], count))
        for row in range(rows)
        for count in _next_counts(rows, cols, nnz, counts[:row])
        if count < counts[row]
    )


def _next_counts(rows: int, cols: int, nnz: int, counts: tuple[int, ...]) -> range:
    """Return the possible counts of the next row down, ascending."""
    left = rows - len(counts)
    rest = nnz - sum(counts)
    most = min(counts[-1] if counts else cols, rest - (left - 1))
    return range(-(-rest // left), most + 1)


@lru_cache(maxsize=_CACHED_COUNTS)
def _count_with_counts(rows: int, cols: int, nnz: int, counts: tuple[int, ...]) -> int:
    """Return the number of masks whose topmost rows have these counts."""
    (last, least), above = _groups(counts)
    left = rows - len(counts)
    rest = nnz - sum(counts)
    total = 0
    for empty in range(cols):
        kept = cols - empty
        ways = sum(
            _multisets(comb(kept, last), least + more)
            * _count_any(kept, last - 1, left - more, rest - more * last)
            for more in range(left + 1)
        )
        total += (-1) ** empty * comb(cols, empty) * _independent(kept, above) * ways
    return total


@lru_cache(maxsize=_CACHED_COUNTS)
def _count_any(cols: int, most: int, rows: int, nnz: int) -> int:
    """Count the masks, possibly with empty columns, with non-increasing row counts up to `most`."""
    if rows == 0:
        return int(nnz == 0)
    if not rows <= nnz <= rows * most:
        return 0
    return sum(
        _multisets(comb(cols, most), size)
        * _count_any(cols, most - 1, rows - size, nnz - size * most)
        for size in range(rows + 1)
    )


def _unrank_row(
    cols: int, group: tuple[int, int], above: Groups, uncovered: int, index: int
) -> int:
    """Return the lowest row of a group, found bit by bit from the left.

    This row descends in the order of the masks, so masks whose row is at least some value come
    first: a bit is 1 if the index is among them.
    """
    value, ones = 0, group[0]
    for bit in reversed(range(cols)):
        if ones == bit + 1:
            return value | ((1 << ones) - 1)
        if ones == 0:
            break
        least_with_one = value | (1 << bit) | ((1 << (ones - 1)) - 1)
        if index < _completions(cols, least_with_one, True, group, above, uncovered):
            value |= 1 << bit
            ones -= 1
    return value


@lru_cache(maxsize=_CACHED_COUNTS)
def _completions(
    cols: int, value: int, inclusive: bool, group: tuple[int, int], above: Groups, uncovered: int
) -> int:
    """Count the ways to fill a group's rows with values from `value` up, and all rows above.

    Together they must cover the `uncovered` columns, in which the rows below have no nonzero.
    `inclusive`: `value` itself is allowed. The group is its row count and number of rows.
    """
    # Sum over sets of forbidden columns, from the right: (number of allowed columns, number of rows
    # that avoid the forbidden ones and exceed or equal `value` there) -> signed number of sets.
    sets = {(0, int(inclusive)): 1}
    for bit in range(cols):
        ones_right = (value & ((1 << bit) - 1)).bit_count()
        has_one = value >> bit & 1
        may_forbid = uncovered >> bit & 1
        wider: dict[tuple[int, int], int] = {}
        for (kept, larger), weight in sets.items():
            # A 1 where `value` has a 0 makes a row larger, whatever the bits right of it.
            gained = 0 if has_one or ones_right == 0 else comb(kept, ones_right - 1)
            allowed = (kept + 1, larger + gained)
            wider[allowed] = wider.get(allowed, 0) + weight
            if may_forbid:
                forbidden = (kept, 0 if has_one else larger)
                wider[forbidden] = wider.get(forbidden, 0) - weight
        sets = wider
    return sum(
        weight * _multisets(larger, group[1]) * _independent(kept, above)
        for (kept, larger), weight in sets.items()
    )


def _independent(cols: int, groups: Groups) -> int:
    """Count the ways to fill groups from `cols` columns, without having to cover them."""
    ways = 1
    for count, size in groups:
        ways *= _multisets(comb(cols, count), size)
    return ways


def _groups(counts: tuple[int, ...]) -> tuple[tuple[int, int], Groups]:
    """Return the lowest group of rows and the groups above it, given non-increasing counts."""
    sizes: dict[int, int] = {}
    for count in counts:
        sizes[count] = sizes.get(count, 0) + 1
    *above, lowest = sizes.items()
    return lowest, tuple(above)


def _multisets(kinds: int, size: int) -> int:
    return comb(kinds + size - 1, size) if size else 1
