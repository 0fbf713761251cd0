"""The masks of a structure's distinct networks as a tree of lists, one level for each layer.

For each group of renamings that is still possible in a layer (`search.masks.renaming`) there is one
list of the layer's representative masks, each with the cumulative number of networks. Lists are
shared: the earlier masks matter only through the group that they leave. So 7x3x3, which has
8,338,343 distinct networks, needs lists of 127,255 masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.masks.listing import list_masks
from search.masks.renaming import Renamings
from search.masks.walk import count_sequences


@dataclass(frozen=True, eq=False)
class MaskList:
    """The masks of one layer that represent themselves under a group of renamings, in order.

    Attributes:
        rows: unsigned [masks, rows], from the bottom row, the leftmost column the highest bit.
        ends: int64 [masks], cumulative number of networks that begin with these masks.
        next_layer: lists of the next layer; empty in the last layer.
        next_list: int32 [masks], index in `next_layer` of the list that follows each mask.
    """

    rows: NDArray[np.unsignedinteger[Any]]
    ends: NDArray[np.int64]
    next_layer: tuple[MaskList, ...]
    next_list: NDArray[np.int32]

    def find(self, index: int) -> tuple[int, int]:
        """Return the position of a network's mask, and its index among networks with that mask."""
        position = int(np.searchsorted(self.ends, index, side="right"))
        return position, index - (int(self.ends[position - 1]) if position else 0)

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        """Number of weights of each mask, int64 [masks], not decreasing."""
        counts: NDArray[np.int64] = np.bitwise_count(self.rows).sum(axis=1, dtype=np.int64)
        return counts

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of networks by the number of weights in this layer and the next ones, int64."""
        if not self.next_layer:
            return np.bincount(self.weights)
        products = [
            np.convolve(np.bincount(self.weights[self.next_list == number]), listed.counts)
            for number, listed in enumerate(self.next_layer)
        ]
        total = np.zeros(max(map(len, products)), np.int64)
        for product in products:
            total[: len(product)] += product
        return total

    def with_weights(self, weights: int) -> Iterator[tuple[NDArray[np.unsignedinteger[Any]], ...]]:
        """Yield the masks of the networks with a number of weights in this layer and the next ones.

        They are in order, a row of `rows` for each layer. Nothing is listed before it is yielded.
        """
        if not 0 <= weights < len(self.counts) or not self.counts[weights]:
            return
        if not self.next_layer:
            first, last = np.searchsorted(self.weights, (weights, weights + 1))
            yield from ((mask,) for mask in self.rows[first:last])
            return
        for position, kept in enumerate(self.weights):
            if kept > weights:
                return
            others = self.next_layer[self.next_list[position]]
            for masks in others.with_weights(weights - int(kept)):
                yield (self.rows[position], *masks)


@lru_cache(maxsize=8)
def distinct_tree(structure: tuple[int, ...], inputs: int) -> MaskList:
    """Return the tree of a structure; `search.distinct.check_listed` limits its size."""
    # (outputs, inputs) of each hidden layer.
    shapes = [(rows, cols) for cols, rows in pairwise((inputs, *structure))]
    return _grow(tuple(shapes), Renamings.none(inputs), {})


def _grow(
    shapes: tuple[tuple[int, int], ...],
    group: Renamings,
    grown: dict[tuple[int, Renamings], MaskList],
) -> MaskList:
    """Return the list of the first of some layers whose inputs can be renamed, with its subtree."""
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
        next_layer = tuple(_grow(tuple(others), renamings, grown) for renamings in groups)
        sizes = np.array([part.ends[-1] for part in next_layer])
        listed = MaskList(masks.astype(dtype), np.cumsum(sizes[chosen]), next_layer, chosen)
    grown[len(shapes), group] = listed
    return listed


def _list_layer(
    rows: int, columns: int, group: Renamings
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the result of `list_masks` for each sequence of row counts, in the search's order."""
    cells, swaps = np.array(group.cell_bits), np.array(group.swaps)
    for nnz in range(max(rows, columns), rows * columns + 1):
        for counts in count_sequences(rows, nnz, columns):
            yield list_masks(np.array(counts[::-1]), cells, swaps)


def _groups(
    masks: NDArray[np.int64], ties: NDArray[np.int64], orders: NDArray[np.int64]
) -> tuple[list[Renamings], NDArray[np.int32]]:
    """Return the groups of renamings of the next layer's inputs that masks leave.

    The masks are int64 [masks, rows], from the bottom row; `ties`, int64 [masks], is the number of
    orders of each mask's rows that reproduce it, and `orders`, int64 [sum of ties, rows], has
    these.

    Returns:
        The groups, and the index of each mask's group, int32 [masks].
    """
    number: dict[Renamings, int] = {}
    chosen = np.empty(len(masks), np.int32)
    equal = masks[:, 1:] == masks[:, :-1]
    starts = np.cumsum(ties) - ties
    for count in np.unique(ties):
        members = np.flatnonzero(ties == count)
        tied = orders[starts[members][:, None] + np.arange(count)]
        # Masks with equal patterns have equal groups; there are few patterns for many masks.
        patterns = np.concatenate([equal[members], tied.reshape(len(members), -1)], axis=1)
        _, first, inverse = np.unique(
            patterns.astype(np.int8), axis=0, return_index=True, return_inverse=True
        )
        kinds = [
            number.setdefault(_stabiliser(equal[members[one]].tolist(), tied[one]), len(number))
            for one in first
        ]
        chosen[members] = np.array(kinds, np.int32)[inverse]
    return list(number), chosen


def _stabiliser(equal: list[bool], orders: NDArray[np.int64]) -> Renamings:
    """Return the permutations of the next layer's columns that leave a mask unchanged.

    `equal` tells whether each row, from the bottom, equals the one above it, and `orders`, int64
    [orders, rows], are those of the rows that reproduce the mask.
    """
    cell = [0]
    for same in reversed(equal):
        cell.append(cell[-1] if same else cell[-1] + 1)
    sizes = tuple(len(list(rows)) for _, rows in groupby(cell))
    # Cells are numbered from the top row, the first column of the next layer; orders are not.
    from_bottom = cell[::-1]
    swaps = {
        tuple(dict(zip(cell, (from_bottom[row] for row in order[::-1]), strict=True)).values())
        for order in orders.tolist()
    }
    return Renamings(sizes, tuple(sorted(swaps)))
