"""How many networks a structure has, by the ways in which they can be told apart.

All counts are exact, of any size, and in closed form; `search.masks.burnside` has the one that is
not.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import comb, factorial, prod

from search.masks.burnside import Population


def count_all(inputs: int, structure: tuple[int, ...]) -> Population:
    """All masks of the hidden layers, empty rows and columns included."""
    weights = sum(rows * cols for cols, rows in pairwise((inputs, *structure)))
    # Each weight is kept in half of them.
    return Population(1 << weights, weights << (weights - 1))


def count_covering(inputs: int, structure: tuple[int, ...]) -> Population:
    """Those with a nonzero in every row and every column of each layer."""
    return _of_layers(inputs, structure, _rows_in_any_order)


def count_eligible(inputs: int, structure: tuple[int, ...]) -> Population:
    """Those that `masks = "all"` tries: of each layer's masks one of all orders of its rows."""
    return _of_layers(inputs, structure, _rows_in_one_order)


def least_distinct(inputs: int, structure: tuple[int, ...]) -> int:
    """Distinct networks that a structure has at least; `count_distinct` has the number itself.

    No network has more masks than there are renamings, and no more eligible ones than there are
    renamings of all layers but the last, whose rows are in order.
    """
    covering = count_covering(inputs, structure).networks
    eligible = count_eligible(inputs, structure).networks
    before_last = prod(map(factorial, structure[:-1]))
    # Rounded up.
    return max(
        -(-covering // (before_last * factorial(structure[-1]))), -(-eligible // before_last)
    )


def _rows_in_any_order(rows: int, kinds: int) -> int:
    return int(kinds**rows)


def _rows_in_one_order(rows: int, kinds: int) -> int:
    return comb(kinds + rows - 1, rows)


def _of_layers(
    inputs: int, structure: tuple[int, ...], choices: Callable[[int, int], int]
) -> Population:
    """Combinations of the masks of each layer.

    Args:
        inputs: features of the data.
        structure: neurons of each hidden layer.
        choices: ways to choose so many rows of so many kinds.
    """
    networks, weights = 1, 0
    for cols, rows in pairwise((inputs, *structure)):
        layer = _of_layer(rows, cols, choices)
        weights = weights * layer.networks + networks * layer.weights
        networks *= layer.networks
    return Population(networks, weights)


def _of_layer(rows: int, cols: int, choices: Callable[[int, int], int]) -> Population:
    """The masks of a layer, by inclusion-exclusion over the columns that are empty."""
    networks = weights = 0
    for kept in range(1, cols + 1):
        kinds = (1 << kept) - 1
        ways = (-1) ** (cols - kept) * comb(cols, kept) * choices(rows, kinds)
        networks += ways
        # Every kind of row is as frequent as any other; together they have so many nonzeros.
        weights += ways * rows * (kept << (kept - 1)) // kinds
    return Population(networks, weights)
