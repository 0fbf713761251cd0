"""The masks of a structure's distinct networks as a tree of lists, one layer behind the other.

For each group of renamings that a layer's neurons are still free to take (`search.masks.renaming`)
there is one list of that layer's masks that stand for themselves, each with the number of networks
up to its end. Lists are shared: which mask came before matters only for what it leaves open. So
7x3x3, which has 8,338,343 distinct networks, needs lists of 127,255 masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.masks.listing import list_masks
from search.masks.renaming import Renamings
from search.masks.walk import count_sequences


@dataclass(frozen=True, eq=False)
class MaskList:
    """The masks of one layer that stand for themselves under some renamings, in order.

    Attributes:
        rows: unsigned [masks, rows], from the bottom row, the leftmost column the highest bit.
        ends: int64 [masks], networks up to and including those that begin with each mask.
        behind: the lists of the next layer; none behind the last one.
        next_list: int32 [masks], which of `behind` follows each mask.
    """

    rows: NDArray[np.unsignedinteger[Any]]
    ends: NDArray[np.int64]
    behind: tuple[MaskList, ...]
    next_list: NDArray[np.int32]

    def find(self, index: int) -> tuple[int, int]:
        """The mask that an index falls on, and the index among the networks that begin with it."""
        place = int(np.searchsorted(self.ends, index, side="right"))
        return place, index - (int(self.ends[place - 1]) if place else 0)


@lru_cache(maxsize=8)
def distinct_tree(structure: tuple[int, ...], inputs: int) -> MaskList:
    """The list of a structure's first layer, with those behind it; `search.distinct` checks sizes.

    Args:
        structure: neurons used in each hidden layer.
        inputs: features of the data.
    """
    # (outputs, inputs) of each hidden layer.
    shapes = [(rows, cols) for cols, rows in pairwise((inputs, *structure))]
    return _grow(tuple(shapes), Renamings.none(inputs), {})


def _grow(
    shapes: tuple[tuple[int, int], ...],
    group: Renamings,
    grown: dict[tuple[int, Renamings], MaskList],
) -> MaskList:
    """The list of the first of some layers, whose inputs may be renamed so, and those behind it."""
    known = grown.get((len(shapes), group))
    if known is not None:
        return known
    (_, columns), *others = shapes
    parts = list(_list_layer(*shapes[0], group))
    masks = np.concatenate([part for part, _, _ in parts])
    dtype = np.min_scalar_type((1 << columns) - 1)
    if not others:
        ends = np.arange(1, len(masks) + 1)
        listed = MaskList(masks.astype(dtype), ends, (), np.zeros(0, np.int32))
    else:
        ties = np.concatenate([ties for _, ties, _ in parts])
        orders = np.concatenate([orders for _, _, orders in parts])
        groups, chosen = _groups(masks, ties, orders)
        behind = tuple(_grow(tuple(others), open_names, grown) for open_names in groups)
        sizes = np.array([part.ends[-1] for part in behind])
        listed = MaskList(masks.astype(dtype), np.cumsum(sizes[chosen]), behind, chosen)
    grown[len(shapes), group] = listed
    return listed


def _list_layer(
    rows: int, columns: int, group: Renamings
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """What `list_masks` gives for each sequence of row counts, in the order of the search."""
    cells = []
    left = columns
    for size in group.cells:
        left -= size
        cells.append(((1 << size) - 1) << left)
    swaps = np.array(group.swaps)
    for nnz in range(max(rows, columns), rows * columns + 1):
        for counts in count_sequences(rows, nnz, columns):
            yield list_masks(np.array(counts[::-1]), np.array(cells), swaps)


def _groups(
    masks: NDArray[np.int64], ties: NDArray[np.int64], orders: NDArray[np.int64]
) -> tuple[list[Renamings], NDArray[np.int32]]:
    """The groups that masks leave open for the names of their rows' neurons.

    Args:
        masks: int64 [masks, rows], from the bottom row.
        ties: int64 [masks], orders of each mask's rows that lead back to it.
        orders: int64 [sum of ties, rows], these orders.

    Returns:
        The groups, and which of them each mask has, int32 [masks].
    """
    number: dict[Renamings, int] = {}
    chosen = np.empty(len(masks), np.int32)
    equal = masks[:, 1:] == masks[:, :-1]
    starts = np.cumsum(ties) - ties
    for count in np.unique(ties):
        places = np.flatnonzero(ties == count)
        tied = orders[starts[places][:, None] + np.arange(count)]
        # Masks of equal pattern have equal groups: few patterns, where masks may be millions.
        patterns = np.concatenate([equal[places], tied.reshape(len(places), -1)], axis=1)
        _, first, which = np.unique(
            patterns.astype(np.int8), axis=0, return_index=True, return_inverse=True
        )
        kinds = [
            number.setdefault(_left_open(equal[places[one]].tolist(), tied[one]), len(number))
            for one in first
        ]
        chosen[places] = np.array(kinds, np.int32)[which]
    return list(number), chosen


def _left_open(equal: list[bool], orders: NDArray[np.int64]) -> Renamings:
    """The permutations of the next layer's columns that leave a mask as it is.

    Args:
        equal: whether each row, from the bottom, equals the one above it.
        orders: int64 [orders, rows], orders of the rows that lead back to the mask.
    """
    cell = [0]
    for same in reversed(equal):
        cell.append(cell[-1] if same else cell[-1] + 1)
    sizes = tuple(len(list(places)) for _, places in groupby(cell))
    # Cells are numbered from the top, where the next layer's columns begin; orders are not.
    from_bottom = cell[::-1]
    swaps = {
        tuple(dict(zip(cell, (from_bottom[row] for row in order[::-1]), strict=True)).values())
        for order in orders.tolist()
    }
    return Renamings(sizes, tuple(sorted(swaps)))
