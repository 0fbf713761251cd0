"""Closed-form numbers of the networks of a structure; exact, of any size.

`search.masks.burnside` counts distinct networks, which have no closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import comb, factorial, prod

from search.masks.burnside import Population
from search.structure import count_weights


def count_all(inputs: int, structure: tuple[int, ...]) -> Population:
    """Count all masks of the hidden layers, including empty rows and columns."""
    weights = count_weights((inputs, *structure))
    # Each weight is kept in half of the masks.
    return Population(1 << weights, weights << (weights - 1))


def count_covering(inputs: int, structure: tuple[int, ...]) -> Population:
    """Count the masks with a nonzero in every row and every column of each layer."""
    return _of_layers(inputs, structure, lambda rows, kinds: int(kinds**rows))


def count_eligible(inputs: int, structure: tuple[int, ...]) -> Population:
    """Count the masks of `masks = "all"`: one of all orders of the rows of each layer."""
    return _of_layers(inputs, structure, lambda rows, kinds: comb(kinds + rows - 1, rows))


def least_distinct(inputs: int, structure: tuple[int, ...]) -> int:
    """Return a lower bound on the number of distinct networks, `count_distinct`.

    A network has at most as many masks as there are renamings, and at most as many eligible ones
    as there are renamings of all layers except the last, whose rows are ordered.
    """
    covering = count_covering(inputs, structure).networks
    eligible = count_eligible(inputs, structure).networks
    before_last = prod(map(factorial, structure[:-1]))
    # Quotients are rounded up.
    return max(
        -(-covering // (before_last * factorial(structure[-1]))), -(-eligible // before_last)
    )


def _of_layers(
    inputs: int, structure: tuple[int, ...], choices: Callable[[int, int], int]
) -> Population:
    """Count the combinations of the masks of each layer.

    `choices` returns the number of ways to choose a number of rows from a number of possible ones.
    """
    networks, weights = 1, 0
    for cols, rows in pairwise((inputs, *structure)):
        layer = _of_layer(rows, cols, choices)
        weights = weights * layer.networks + networks * layer.weights
        networks *= layer.networks
    return Population(networks, weights)


def _of_layer(rows: int, cols: int, choices: Callable[[int, int], int]) -> Population:
    """Count the masks of a layer, by inclusion-exclusion over the empty columns."""
    networks = weights = 0
    for kept in range(1, cols + 1):
        kinds = (1 << kept) - 1
        ways = (-1) ** (cols - kept) * comb(cols, kept) * choices(rows, kinds)
        networks += ways
        # All possible rows are equally frequent; their mean number of nonzeros follows.
        weights += ways * rows * (kept << (kept - 1)) // kinds
    return Population(networks, weights)
