"""Renaming hidden neurons by brute force: every permutation of every layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product

from search.masks.sequences import AllMasks

Masks = tuple[str, ...]


def renamed(masks: Sequence[str], orders: Sequence[Sequence[int]]) -> Masks:
    """Return the masks with each layer's neurons in another order; inputs are not renamed."""
    columns: Sequence[int] = range(masks[0].find("|") if "|" in masks[0] else len(masks[0]))
    found = []
    for mask, order in zip(masks, orders, strict=True):
        rows = mask.split("|")
        found.append("|".join("".join(rows[row][col] for col in columns) for row in order))
        columns = order
    return tuple(found)


def all_renamed(masks: Sequence[str]) -> Iterator[Masks]:
    """Yield the masks under every renaming of the hidden neurons."""
    for orders in product(*(permutations(range(mask.count("|") + 1)) for mask in masks)):
        yield renamed(masks, orders)


def covering(inputs: int, structure: tuple[int, ...]) -> list[Masks]:
    """Return all masks with a nonzero in every row and column of each layer."""
    return list(product(*(_covering(*shape) for shape in pairwise((inputs, *structure)))))


def eligible(inputs: int, structure: tuple[int, ...]) -> list[Masks]:
    """Return all combinations of eligible masks, in the order of `masks = "all"`."""
    layers = [AllMasks(rows, cols) for cols, rows in pairwise((inputs, *structure))]
    return list(product(*([masks[index] for index in range(masks.size)] for masks in layers)))


def orbits(networks: Sequence[Masks]) -> list[set[Masks]]:
    """Group networks that are equal up to renaming."""
    left = set(networks)
    found = []
    for masks in networks:
        if masks in left:
            orbit = set(all_renamed(masks))
            found.append(orbit)
            left -= orbit
    return found


def _covering(cols: int, rows: int) -> list[str]:
    texts = ["".join(digits) for digits in product("01", repeat=cols)]
    return [
        "|".join(mask)
        for mask in product(texts[1:], repeat=rows)
        if all("1" in column for column in zip(*mask, strict=True))
    ]
