"""How many networks a structure has when hidden neurons have no names, by Burnside's lemma.

Counted are the networks whose masks have a nonzero in every row and every column of each hidden
layer, as all have that the search tries. The output layer is dense, inputs keep their names.

The lemma: the number of distinct networks is the mean, over all ways to rename the hidden neurons,
of the number of networks that a renaming leaves as they are. That number is a product over the
layers, and a layer's factor depends only on the cycle types of the permutations of its rows and of
its columns. So the sum runs layer by layer over partitions: a structure of layers of 16 has 231 a
layer, where there are 16! permutations.

Networks are counted together with their weights: by the lemma's form with a variable z to the power
of the number of weights, of which the value and the derivative at z = 1 are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import comb, factorial, gcd, prod

MAX_TERMS = 6_000_000
"""Terms of the sums for a structure, seconds in all: 16x16x16 has 2.7 million, 17x17x17 5 million,
20x20x20 more than allowed."""

CycleType = tuple[tuple[int, int], ...]
"""Pairs of a cycle length and the number of cycles that have it, lengths descending."""


@dataclass(frozen=True)
class Population:
    """Some networks of a structure.

    Attributes:
        networks: how many.
        weights: kept weights of their hidden layers, all networks together.
    """

    networks: int
    weights: int


@lru_cache(maxsize=1024)
def count_distinct(inputs: int, structure: tuple[int, ...]) -> Population:
    """The networks of a structure that renaming hidden neurons does not turn into each other.

    Checked: 12,400 for 3x3x3, 8,338,343 for 7x3x3, 273 for 3x2x2, 492,566 for 6x3x2, with two
    inputs.

    Args:
        inputs: features of the data, which keep their names.
        structure: neurons of each hidden layer.

    Raises:
        ValueError: more than `MAX_TERMS` terms.
    """
    terms = burnside_terms(inputs, structure)
    if terms > MAX_TERMS:
        raise ValueError(f"{terms} terms would have to be added; allowed: {MAX_TERMS}")
    # For each cycle type of the neurons so far: networks that are left as they are, and weights.
    fixed: dict[CycleType, tuple[int, int]] = {((1, inputs),): (1, 0)}
    for neurons in structure:
        behind: dict[CycleType, tuple[int, int]] = {}
        for rows in cycle_types(neurons):
            networks = weights = 0
            for cols, (before, weights_before) in fixed.items():
                masks, nonzeros = _fixed_masks(*sorted((rows, cols), key=_subsets))
                networks += before * masks
                weights += before * nonzeros + weights_before * masks
            permutations = _permutations(rows)
            behind[rows] = permutations * networks, permutations * weights
        fixed = behind
    renamings: int = prod(factorial(neurons) for neurons in structure)
    return Population(
        sum(networks for networks, _ in fixed.values()) // renamings,
        sum(weights for _, weights in fixed.values()) // renamings,
    )


def burnside_terms(inputs: int, structure: tuple[int, ...]) -> int:
    """Roughly how many terms `count_distinct` adds; each cycle type costs as much as 30."""
    # Inputs stay in place: one cycle type, of cycles of length 1.
    sizes = [(1, inputs + 1), *map(_sizes, structure)]
    return 30 * sum(types for types, _ in sizes) + sum(
        min(types * subsets_behind, types_behind * subsets)
        for (types, subsets), (types_behind, subsets_behind) in pairwise(sizes)
    )


def cycle_types(size: int) -> list[CycleType]:
    """The cycle types of permutations of so many things: the partitions of that number."""
    return _cycle_types(size, size)


def _cycle_types(size: int, longest: int) -> list[CycleType]:
    if size == 0:
        return [()]
    if longest == 0:
        return []
    return [
        ((longest, cycles), *rest) if cycles else rest
        for cycles in range(size // longest + 1)
        for rest in _cycle_types(size - cycles * longest, longest - 1)
    ]


@lru_cache(maxsize=256)
def _sizes(size: int) -> tuple[int, int]:
    """How many partitions of a number there are, and how many pairs of one and a part of it.

    Both are coefficients of power series: of 1 / prod(1 - x^k), and of its square.
    """
    series = [1] + [0] * size
    sizes = []
    for _ in range(2):
        for length in range(1, size + 1):
            for total in range(length, size + 1):
                series[total] += series[total - length]
        sizes.append(series[size])
    return sizes[0], sizes[1]


def _permutations(cycles: CycleType) -> int:
    """How many permutations have a cycle type."""
    size = sum(length * number for length, number in cycles)
    unmoved = prod(length**number * factorial(number) for length, number in cycles)
    return factorial(size) // int(unmoved)


def _subsets(cycles: CycleType) -> int:
    """How many sets of cycles there are, cycles of equal length taken as the same."""
    return prod(number + 1 for _, number in cycles)


@lru_cache(maxsize=1 << 17)
def _fixed_masks(emptied: CycleType, filled: CycleType) -> tuple[int, int]:
    """Masks of a layer that two permutations leave as they are, and the nonzeros of them all.

    A cycle of a rows and one of b columns meet in gcd(a, b) orbits of lcm(a, b) places, each all
    zeros or all ones. No row may be empty, and no column: inclusion-exclusion over the cycles of
    one side that are empty removes one condition.

    Args:
        emptied: cycle type of the side that the sum runs over; rows or columns, it is the same.
        filled: cycle type of the other side.
    """
    masks = nonzeros = 0
    for kept, sign in _kept_cycles(emptied):
        places = sum(length * number for length, number in kept)
        if places == 0:
            continue
        ways = 1
        mean = []
        for length, number in filled:
            orbits = sum(gcd(length, other) * many for other, many in kept)
            choices = (1 << orbits) - 1
            ways *= choices**number
            # Over its choices a cycle has so many nonzeros: each place is a one in half of all.
            mean.append((number * length * places << (orbits - 1), choices))
        masks += sign * ways
        nonzeros += sign * sum(ways // choices * total for total, choices in mean)
    return masks, nonzeros


@lru_cache(maxsize=1 << 12)
def _kept_cycles(cycles: CycleType) -> list[tuple[CycleType, int]]:
    """Cycles that are left where some are taken away; and how often, negative for an odd number."""
    if not cycles:
        return [((), 1)]
    (length, number), *others = cycles
    return [
        (((length, number - away), *kept) if away < number else kept, sign * (-1) ** away * ways)
        for kept, sign in _kept_cycles(tuple(others))
        for away, ways in ((away, comb(number, away)) for away in range(number + 1))
    ]
