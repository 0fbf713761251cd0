"""Networks that differ only in the names of their hidden neurons, and the one that stands for them.

Renaming the neurons of a hidden layer permutes the rows of its mask and the columns of the next
one. Inputs keep their names; the output layer is dense, so that its mask never changes. Of all
masks that a network has under some names, its representative is the eligible combination that comes
last in the order of the search (`search.masks.text`), first layer slowest: why the last one is said
in docs/decisions/0004-distinct-networks.md.

How: going from input to output, all that is left open behind layer l are the names of its neurons
that leave the layers up to l as they are. Neurons of equal rows are free to change places (they are
a *cell*: neighbours, since the rows are in order); beyond that, some ways to change whole cells are
left. So the next mask is a matrix whose columns may be permuted in this group and whose rows may be
permuted at will. Numbers of nonzeros and row counts do not depend on names, and within equal counts
the order descends from the bottom row up, so that the last matrix is the least one, compared from
the bottom row up. It is found row by row: whichever row can be least, with its ones as far to the
right in each cell as they go, comes next, and divides the cells for the rows above it. Where
several rows tie, all of them are followed, and the ways that end in the same matrix are the group
for the next layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby, pairwise

from search.masks.text import parse_mask, rows_text

MAX_TIES = 100_000
"""Ways to arrange a mask that are followed side by side."""

Swap = tuple[int, ...]
"""For each place of a cell the cell that comes there."""


@dataclass(frozen=True)
class Renamings:
    """Permutations of a mask's columns: any inside a cell, and some of whole cells.

    Attributes:
        cells: numbers of columns, from the left.
        swaps: permutations of cells of equal size, a group, ascending.
    """

    cells: tuple[int, ...]
    swaps: tuple[Swap, ...]

    @staticmethod
    def none(columns: int) -> Renamings:
        """Every column keeps its place."""
        return Renamings((1,) * columns, (tuple(range(columns)),))


def representative(masks: Sequence[str]) -> tuple[str, ...]:
    """The masks that stand for a network, whatever its hidden neurons are called.

    Two networks are the same up to renaming hidden neurons exactly if this gives the same masks.

    Args:
        masks: those of the first layers as text, any number of them, of any shape; layers beyond
            are dense. They need not be eligible.

    Returns:
        As many masks. If all rows and columns have nonzeros, each is eligible.

    Raises:
        ValueError: not masks, or their shapes do not follow each other, or the network is so
            regular that more than `MAX_TIES` ways would have to be followed (a 16x16 identity
            matrix, for example, behind neurons that are all alike).
    """
    shapes = [_shape(mask) for mask in masks]
    for number, ((rows, _), (_, columns)) in enumerate(pairwise(shapes), start=1):
        if rows != columns:
            raise ValueError(
                f"mask{number} has {rows} rows, but mask{number + 1} {columns} columns; allowed: "
                "as many, one a neuron"
            )
    group = Renamings.none(shapes[0][1]) if shapes else Renamings((), ())
    # Where the neurons that are the next mask's columns stood before they were renamed.
    places = tuple(range(len(group.cells)))
    found = []
    for mask in masks:
        text, places, group = _represent_layer(mask, places, group)
        found.append(text)
    return tuple(found)


def first_of_each(networks: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Of networks that renaming hidden neurons turns into each other the first one.

    Args:
        networks: the masks of each, as for `representative`.

    Raises:
        ValueError: as for `representative`.
    """
    first: dict[tuple[str, ...], tuple[str, ...]] = {}
    for masks in networks:
        first.setdefault(representative(masks), tuple(masks))
    return list(first.values())


@lru_cache(maxsize=1 << 14)
def _shape(mask: str) -> tuple[int, int]:
    rows, columns = parse_mask(mask).shape
    return rows, columns


# Cached: in a grid the same few thousand masks come again and again.
@lru_cache(maxsize=1 << 14)
def _represent_layer(
    mask: str, places: tuple[int, ...], group: Renamings
) -> tuple[str, tuple[int, ...], Renamings]:
    """`least_rows` of a mask as text, after its columns were put into their places."""
    renamed = ("".join(row[place] for place in places) for row in mask.split("|"))
    rows, behind, left_open = least_rows(tuple(int(row, 2) for row in renamed), group)
    return rows_text(rows, len(places)), behind, left_open


def least_rows(
    mask: tuple[int, ...], group: Renamings
) -> tuple[tuple[int, ...], tuple[int, ...], Renamings]:
    """The last mask, in the order of the search, that permuting rows and columns leads to.

    Args:
        mask: rows as integers, the leftmost column the highest bit, in any order.
        group: the permutations of the columns.

    Returns:
        The rows of the last mask from the top; the place in `mask` that each comes from; and the
        permutations of the next layer's columns that leave this mask as it is.

    Raises:
        ValueError: more than `MAX_TIES` ways would have to be followed.
    """
    cells = []
    left = sum(group.cells)
    for size in group.cells:
        left -= size
        cells.append(((1 << size) - 1) << left)
    ways: list[_Way] = [(tuple(cells[cell] for cell in swap), ()) for swap in group.swaps]
    rows: list[int] = []
    for count in sorted(row.bit_count() for row in mask):
        row, ways = _next_row(mask, count, ways)
        rows.insert(0, row)
    orders = [tuple(reversed(order)) for _, order in ways]
    return tuple(rows), orders[0], _left_open(mask, rows, orders)


_Way = tuple[tuple[int, ...], tuple[int, ...]]
"""Cells of columns that are still alike, each a set of bits of the given mask, from the left; and
the places of the rows that were taken, from the bottom."""


def _next_row(mask: tuple[int, ...], count: int, ways: list[_Way]) -> tuple[int, list[_Way]]:
    """The least next row of some count, and all ways to it."""
    least = 1 << sum(cell.bit_count() for cell in ways[0][0])
    found: dict[_Way, None] = {}
    for cells, taken in ways:
        tried = set()
        for place, row in enumerate(mask):
            if row.bit_count() != count or place in taken or row in tried:
                continue
            tried.add(row)
            value = _pushed_right(row, cells)
            if value < least:
                least = value
                found.clear()
            if value == least:
                found[_divided(cells, row), (*taken, place)] = None
        if len(found) > MAX_TIES:
            raise ValueError(
                f"the network is too regular: more than {MAX_TIES} ways to arrange a mask "
                "would have to be compared"
            )
    return least, list(found)


def _pushed_right(row: int, cells: tuple[int, ...]) -> int:
    """The least number that a row becomes where columns change places inside their cells."""
    value = 0
    for cell in cells:
        value = value << cell.bit_count() | ((1 << (row & cell).bit_count()) - 1)
    return value


def _divided(cells: tuple[int, ...], row: int) -> tuple[int, ...]:
    """Each cell as the columns in which a row has zeros and those in which it has ones."""
    parts = (part for cell in cells for part in (cell & ~row, cell & row))
    return tuple(part for part in parts if part)


def _left_open(mask: tuple[int, ...], rows: list[int], orders: list[tuple[int, ...]]) -> Renamings:
    """What the rows' orders, all leading to the same matrix, leave open for the next layer."""
    sizes = tuple(len(list(same)) for _, same in groupby(rows))
    starts = list(accumulate(sizes[:-1], initial=0))
    # Rows that are equal in one arrangement of the columns are so in all.
    cell_of = {mask[orders[0][start]]: cell for cell, start in enumerate(starts)}
    swaps = {tuple(cell_of[mask[order[start]]] for start in starts) for order in orders}
    return Renamings(sizes, tuple(sorted(swaps)))
