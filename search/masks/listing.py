"""Listing of the masks of a layer that represent themselves under renamings.

A compiled search, because a layer has hundreds of thousands of such masks; `search.masks.renaming`
does the same in plain Python for a single mask, and explains why it goes from the bottom row up.
Rows are integers, the leftmost column the highest bit, and arrays of rows start with the bottom
row.

Columns of a cell can be permuted, so in the smallest matrix every row has its ones on the right of
each cell, after the rows below have split the cells. `alike` has a bit for each column that is
still in one cell with its left neighbour. Matrices of this form are tried in the search's order;
one is kept if no other order of its rows and cells makes it smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.compilation import compiled

MAX_COLUMNS = 62
"""Maximum number of columns of a listed mask: rows are 64-bit integers."""


@compiled
def _copy(source: NDArray[np.int64], target: NDArray[np.int64]) -> None:
    # Assigning arrays would add seconds of compilation, for error messages.
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def _ones(bits: int) -> int:
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count


@compiled
def _greatest(alike: int, top: int, ones: int) -> int:
    """Return the greatest row of allowed form with this number of ones, from bit `top` down."""
    row = 0
    high = top
    while high >= 0 and ones > 0:
        low = high
        while low > 0 and alike >> (low - 1) & 1:
            low -= 1
        in_cell = min(ones, high - low + 1)
        row |= ((1 << in_cell) - 1) << low
        ones -= in_cell
        high = low - 1
    return row


@compiled
def _next_lower(row: int, alike: int, columns: int) -> int:
    """Return the next lower row of allowed form with as many ones; -1 if there is none."""
    low = ones = zeros = 0
    while low < columns:
        high = low
        while alike >> high & 1:
            high += 1
        size = high - low + 1
        in_cell = _ones(row >> low & ((1 << size) - 1))
        if in_cell > 0 and zeros > 0:
            kept = row >> (high + 1) << (high + 1) | ((1 << (in_cell - 1)) - 1) << low
            lower: int = kept | _greatest(alike, low - 1, ones + 1)
            return lower
        ones += in_cell
        zeros += size - in_cell
        low = high + 1
    return -1


@compiled
def _find_ties(
    mask: NDArray[np.int64],
    counts: NDArray[np.int64],
    cells: NDArray[np.int64],
    swaps: NDArray[np.int64],
    ties: NDArray[np.int64],
) -> int:
    """Find the orders of the rows of a mask, int64 [rows], that reproduce it.

    The other arguments are those of `list_masks`. `ties`, int64 [most, rows], receives the orders:
    for each position the row that moves there.

    Returns:
        The number of orders, which can exceed `most`; -1 if an order leads to a smaller mask.
    """
    rows, columns = len(mask), 0
    for cell in cells:
        columns += _ones(cell)
    # Cells as split by the rows placed so far.
    divided = np.zeros((rows + 1, columns), np.int64)
    number = np.zeros(rows + 1, np.int64)
    order = np.full(rows, -1)
    found = 0
    for swap in swaps:
        number[0] = len(cells)
        for position, cell in enumerate(swap):
            divided[0, position] = cells[cell]
        used = 0
        level = 0
        order[0] = -1
        while level >= 0:
            if order[level] >= 0:
                used &= ~(1 << order[level])
            candidate = order[level] + 1
            while candidate < rows:
                usable = not used >> candidate & 1 and counts[candidate] == counts[level]
                # The first of equal rows represents all of them.
                for other in range(candidate):
                    if not used >> other & 1 and mask[other] == mask[candidate]:
                        usable = False
                if usable:
                    value = 0
                    for part in range(number[level]):
                        cell = divided[level, part]
                        in_cell = _ones(cell & mask[candidate])
                        value = value << _ones(cell) | ((1 << in_cell) - 1)
                    if value < mask[level]:
                        return -1
                    if value == mask[level]:
                        break
                candidate += 1
            if candidate == rows:
                level -= 1
                continue
            order[level] = candidate
            used |= 1 << candidate
            if level == rows - 1:
                if found < len(ties):
                    _copy(order, ties[found])
                found += 1
                continue
            parts = 0
            for part in range(number[level]):
                cell = divided[level, part]
                for piece in (cell & ~mask[candidate], cell & mask[candidate]):
                    if piece:
                        divided[level + 1, parts] = piece
                        parts += 1
            number[level + 1] = parts
            level += 1
            order[level] = -1
    return found


@compiled
def _doubled(array: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a copy with space for twice as many rows."""
    larger = np.empty((2 * array.shape[0], array.shape[1]), np.int64)
    for row in range(array.shape[0]):
        _copy(array[row], larger[row])
    return larger


@compiled
def list_masks(
    counts: NDArray[np.int64], cells: NDArray[np.int64], swaps: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """List the masks with given row counts that represent themselves, in the order of the search.

    Args:
        counts: int64 [rows], nonzeros of the rows from the bottom up, not decreasing.
        cells: int64 [cells], their columns as sets of bits, from the left.
        swaps: int64 [swaps, cells], a group: for each position the cell that moves there.

    Returns:
        The masks, int64 [masks, rows]; for each the number of orders of its rows that reproduce
        it, with equal rows identified, int64 [masks]; and the orders of all masks,
        int64 [orders, rows]: for each position the row that moves there.
    """
    rows, columns, apart = len(counts), 0, 0
    for cell in cells:
        columns += _ones(cell)
    left = columns
    for cell in cells:
        left -= _ones(cell)
        if left > 0:
            apart |= 1 << (left - 1)
    alike = np.zeros(rows, np.int64)
    alike[0] = ((1 << (columns - 1)) - 1) & ~apart
    uncovered = np.zeros(rows + 1, np.int64)
    uncovered[0] = (1 << columns) - 1
    mask = np.zeros(rows, np.int64)
    masks, kept = np.empty((64, rows), np.int64), 0
    tie_numbers = np.empty((64, 1), np.int64)
    orders, tied = np.empty((64, rows), np.int64), 0
    above = np.zeros(rows, np.int64)
    for level in range(rows - 1, 0, -1):
        above[level - 1] = above[level] + counts[level]

    level = 0
    mask[0] = _greatest(alike[0], columns - 1, counts[0])
    while level >= 0:
        row = mask[level]
        same_count = level > 0 and counts[level] == counts[level - 1]
        if row < 0 or (same_count and row < mask[level - 1]):
            level -= 1
            if level >= 0:
                mask[level] = _next_lower(mask[level], alike[level], columns)
            continue
        uncovered[level + 1] = uncovered[level] & ~row
        if _ones(uncovered[level + 1]) <= above[level]:
            if level < rows - 1:
                alike[level + 1] = alike[level] & ~(row >> 1 ^ row)
                level += 1
                mask[level] = _greatest(alike[level], columns - 1, counts[level])
                continue
            found = _find_ties(mask, counts, cells, swaps, orders[tied:])
            while found > len(orders) - tied:
                orders = _doubled(orders)
                found = _find_ties(mask, counts, cells, swaps, orders[tied:])
            if found > 0:
                if kept == len(masks):
                    masks, tie_numbers = _doubled(masks), _doubled(tie_numbers)
                _copy(mask, masks[kept])
                tie_numbers[kept, 0] = found
                kept += 1
                tied += found
        mask[level] = _next_lower(mask[level], alike[level], columns)
    return masks[:kept], tie_numbers[:kept, 0], orders[:tied]
