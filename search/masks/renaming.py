"""Networks that differ only by renaming hidden neurons, and their representative.

Renaming the neurons of a hidden layer permutes the rows of its mask and the columns of the next
one. Inputs are not renamed, and the output layer is dense, so its mask does not change. The
representative of a network is, of all its eligible combinations of masks, the last one in the order
of the search (`search.masks.text`), first layer slowest
(docs/decisions/0004-distinct-networks.md has the reason).

Algorithm: layers are processed from the input to the output. After layer l, the remaining freedom
is the group of renamings of its neurons that leave the masks up to l unchanged. Neurons with equal
rows form a *cell*, neighbours because rows are ordered, and can be permuted freely; in addition,
some permutations of whole cells remain. So the next mask is a matrix whose columns can be permuted
by this group and whose rows can be permuted freely. Numbers of nonzeros and row counts do not
change, and for equal counts the order descends from the bottom row up, so the last matrix is the
smallest one when compared from the bottom row up. It is built row by row: the row that can be
smallest, with its ones as far right in each cell as possible, is next, and splits the cells for the
rows above. If several rows tie, all of them are followed; those that lead to the same matrix are
the group for the next layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby, pairwise

from search.masks.text import parse_mask, rows_text

MAX_TIES = 100_000
"""Maximum number of tied arrangements of a mask that are followed."""

Swap = tuple[int, ...]
"""A permutation of cells: for each position, the cell that moves there."""


@dataclass(frozen=True)
class Renamings:
    """A group of permutations of a mask's columns: all within cells, and some of whole cells.

    Attributes:
        cells: numbers of columns of the cells, from the left.
        swaps: sorted group of permutations of cells of equal size.
    """

    cells: tuple[int, ...]
    swaps: tuple[Swap, ...]

    @property
    def cell_bits(self) -> list[int]:
        """The columns of each cell as a set of bits, the leftmost column the highest one."""
        left, cells = sum(self.cells), []
        for size in self.cells:
            left -= size
            cells.append(((1 << size) - 1) << left)
        return cells

    @staticmethod
    def none(columns: int) -> Renamings:
        """Return the group that moves no column."""
        return Renamings((1,) * columns, (tuple(range(columns)),))


def representative(masks: Sequence[str]) -> tuple[str, ...]:
    """Return the masks that represent a network, however its hidden neurons are named.

    Two networks are equal up to renaming hidden neurons exactly if their representatives are equal.
    The masks are those of the first layers, of any number and shape, eligible or not; the other
    layers are dense. If all rows and columns have nonzeros, each returned mask is eligible.

    Raises:
        ValueError: the masks are malformed, or their shapes do not match, or the network is so
            regular that there are more than `MAX_TIES` tied arrangements (such as a 16x16 identity
            matrix after neurons with equal rows).
    """
    forms, _, _ = _represented(masks, _shape(masks[0])[1] if masks else 0)
    return tuple(forms)


def network_form(masks: Sequence[str]) -> tuple[str, ...]:
    """Return a form of all layers' masks that does not depend on the names of hidden neurons.

    Two networks have equal forms exactly if a renaming of hidden neurons turns the masks of one
    into those of the other. Unlike `representative`, whose errors it has, it covers the output
    layer: outputs, like inputs, are not renamed.
    """
    *hidden, last = masks
    forms, positions, group = _represented(hidden, _shape(masks[0])[1])
    return (*forms, _represent_outputs(last, positions, group))


def without_renamings(networks: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the first of each set of networks that are equal up to renaming hidden neurons.

    For their masks and errors see `representative`.
    """
    first: dict[tuple[str, ...], tuple[str, ...]] = {}
    for masks in networks:
        first.setdefault(representative(masks), tuple(masks))
    return list(first.values())


def _represented(masks: Sequence[str], inputs: int) -> tuple[list[str], tuple[int, ...], Renamings]:
    """Return the representatives of layers, and the remaining freedom of the last one's neurons.

    Returns:
        The masks; the positions, before the renaming, of the neurons of the last layer; and the
        renamings of these that leave the masks unchanged.
    """
    shapes = [_shape(mask) for mask in masks]
    for number, ((rows, _), (_, columns)) in enumerate(pairwise(shapes), start=1):
        if rows != columns:
            raise ValueError(
                f"mask{number} has {rows} rows, but mask{number + 1} {columns} columns; allowed: "
                "equal numbers, one for each neuron"
            )
    group = Renamings.none(inputs) if inputs else Renamings((), ())
    positions = tuple(range(inputs))
    found = []
    for mask in masks:
        text, positions, group = _represent_layer(mask, positions, group)
        found.append(text)
    return found, positions, group


@lru_cache(maxsize=1 << 14)
def _shape(mask: str) -> tuple[int, int]:
    rows, columns = parse_mask(mask).shape
    return rows, columns


# Cached: a grid repeats a few thousand masks.
@lru_cache(maxsize=1 << 14)
def _represent_layer(
    mask: str, positions: tuple[int, ...], group: Renamings
) -> tuple[str, tuple[int, ...], Renamings]:
    """Return `least_rows` of a mask as text, after moving its columns to their positions."""
    rows, next_positions, stabiliser = least_rows(_moved(mask, positions), group)
    return rows_text(rows, len(positions)), next_positions, stabiliser


def _represent_outputs(mask: str, positions: tuple[int, ...], group: Renamings) -> str:
    """Return the smallest mask, compared from the bottom row up, whose rows keep their order."""
    arrangements = _arrangements(group)
    rows: list[int] = []
    for row in reversed(_moved(mask, positions)):
        values = [_pushed_right(row, cells) for cells in arrangements]
        tied = zip(arrangements, values, strict=True)
        arrangements = list(
            dict.fromkeys(_divided(cells, row) for cells, value in tied if value == min(values))
        )
        rows.insert(0, min(values))
    return rows_text(tuple(rows), len(positions))


def _moved(mask: str, positions: tuple[int, ...]) -> tuple[int, ...]:
    """Return the rows of a mask as integers, with the columns moved to their positions."""
    renamed = ("".join(row[position] for position in positions) for row in mask.split("|"))
    return tuple(int(row, 2) for row in renamed)


def least_rows(
    mask: tuple[int, ...], group: Renamings
) -> tuple[tuple[int, ...], tuple[int, ...], Renamings]:
    """Return the last mask, in the order of the search, among permutations of rows and columns.

    Rows are integers, the leftmost column the highest bit, in any order; the group permutes the
    columns. A ValueError if there are more than `MAX_TIES` tied arrangements.

    Returns:
        The rows of the last mask from the top; the index in `mask` of each; and the permutations of
        the next layer's columns that leave this mask unchanged.
    """
    ways: list[_Way] = [(cells, ()) for cells in _arrangements(group)]
    rows: list[int] = []
    for count in sorted(row.bit_count() for row in mask):
        row, ways = _next_row(mask, count, ways)
        rows.insert(0, row)
    orders = [tuple(reversed(order)) for _, order in ways]
    return tuple(rows), orders[0], _stabiliser(mask, rows, orders)


def _arrangements(group: Renamings) -> list[tuple[int, ...]]:
    """Return the cells of columns, each a set of bits, in every order that the group allows."""
    cells = group.cell_bits
    return [tuple(cells[cell] for cell in swap) for swap in group.swaps]


_Way = tuple[tuple[int, ...], tuple[int, ...]]
"""Cells of columns that are still equal, each a set of bits of the given mask, from the left; and
indices of the rows used so far, from the bottom."""


def _next_row(mask: tuple[int, ...], count: int, ways: list[_Way]) -> tuple[int, list[_Way]]:
    """Return the smallest next row with a count, and all ways to it."""
    least = 1 << sum(cell.bit_count() for cell in ways[0][0])
    found: dict[_Way, None] = {}
    for cells, taken in ways:
        tried = set()
        for index, row in enumerate(mask):
            if row.bit_count() != count or index in taken or row in tried:
                continue
            tried.add(row)
            value = _pushed_right(row, cells)
            if value < least:
                least = value
                found.clear()
            if value == least:
                found[_divided(cells, row), (*taken, index)] = None
        if len(found) > MAX_TIES:
            raise ValueError(
                f"the network is too regular: a mask has more than {MAX_TIES} tied arrangements"
            )
    return least, list(found)


def _pushed_right(row: int, cells: tuple[int, ...]) -> int:
    """Return the smallest number of a row under permutations of columns within cells."""
    value = 0
    for cell in cells:
        value = value << cell.bit_count() | ((1 << (row & cell).bit_count()) - 1)
    return value


def _divided(cells: tuple[int, ...], row: int) -> tuple[int, ...]:
    """Split each cell into the columns in which a row has zeros and those in which it has ones."""
    parts = (part for cell in cells for part in (cell & ~row, cell & row))
    return tuple(part for part in parts if part)


def _stabiliser(mask: tuple[int, ...], rows: list[int], orders: list[tuple[int, ...]]) -> Renamings:
    """Return the group for the next layer, given all orders of rows that lead to a matrix."""
    sizes = tuple(len(list(same)) for _, same in groupby(rows))
    starts = list(accumulate(sizes[:-1], initial=0))
    # Rows that are equal in one arrangement of the columns are equal in all.
    cell_of = {mask[orders[0][start]]: cell for cell, start in enumerate(starts)}
    swaps = {tuple(cell_of[mask[order[start]]] for start in starts) for order in orders}
    return Renamings(sizes, tuple(sorted(swaps)))
