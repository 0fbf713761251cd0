"""Number of distinct networks of a structure up to renaming of hidden neurons (Burnside's lemma).

Networks count if their masks have a nonzero in every row and every column of each hidden layer,
like all that the search tries. The output layer is dense, and inputs are not renamed.

By the lemma, the number of distinct networks is the mean, over all renamings of hidden neurons, of
the number of networks that the renaming leaves unchanged. That number is a product over the layers,
and a layer's factor depends only on the cycle types of the permutations of its rows and columns. So
the sum runs layer by layer over partitions: 231 for a layer of 16 neurons instead of 16!
permutations.

The weights of the networks are counted too: with a variable z to the power of the number of
weights in the lemma, they are the derivative at z = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import comb, factorial, gcd, prod

MAX_TERMS = 6_000_000
"""Maximum number of terms of the sums for a structure, which take seconds: 16x16x16 has 2.7
million, 17x17x17 has 5 million, 20x20x20 has too many."""

CycleType = tuple[tuple[int, int], ...]
"""Pairs of a cycle length and the number of cycles with it, lengths descending."""


@dataclass(frozen=True)
class Population:
    """A set of networks of a structure.

    Attributes:
        networks: number of networks.
        weights: total number of weights in the hidden layers of these networks.
    """

    networks: int
    weights: int


@lru_cache(maxsize=1024)
def count_distinct(inputs: int, structure: tuple[int, ...]) -> Population:
    """Count the networks of a structure up to renaming of hidden neurons.

    Checked: 12,400 for 3x3x3, 8,338,343 for 7x3x3, 273 for 3x2x2, 492,566 for 6x3x2, with two
    inputs. A ValueError for more than `MAX_TERMS` terms.
    """
    terms = burnside_terms(inputs, structure)
    if terms > MAX_TERMS:
        raise ValueError(f"counting needs {terms} terms; allowed: {MAX_TERMS}")
    # For each cycle type of the last layer: number of unchanged networks, and of their weights.
    fixed: dict[CycleType, tuple[int, int]] = {((1, inputs),): (1, 0)}
    for neurons in structure:
        next_fixed: dict[CycleType, tuple[int, int]] = {}
        for rows in cycle_types(neurons):
            networks = weights = 0
            for cols, (before, weights_before) in fixed.items():
                masks, nonzeros = _fixed_masks(*sorted((rows, cols), key=_subsets))
                networks += before * masks
                weights += before * nonzeros + weights_before * masks
            permutations = _permutations(rows)
            next_fixed[rows] = permutations * networks, permutations * weights
        fixed = next_fixed
    renamings: int = prod(factorial(neurons) for neurons in structure)
    return Population(
        sum(networks for networks, _ in fixed.values()) // renamings,
        sum(weights for _, weights in fixed.values()) // renamings,
    )


def burnside_terms(inputs: int, structure: tuple[int, ...]) -> int:
    """Estimate the number of terms of `count_distinct`; each cycle type costs as much as 30."""
    # Inputs are not renamed: one cycle type, with cycles of length 1.
    sizes = [(1, inputs + 1), *map(_sizes, structure)]
    return 30 * sum(types for types, _ in sizes) + sum(
        min(types * next_subsets, next_types * subsets)
        for (types, subsets), (next_types, next_subsets) in pairwise(sizes)
    )


def cycle_types(size: int, longest: int | None = None) -> list[CycleType]:
    """Return the cycle types of permutations of `size` elements: the partitions of that number."""
    longest = size if longest is None else longest
    if size == 0:
        return [()]
    if longest == 0:
        return []
    return [
        ((longest, cycles), *rest) if cycles else rest
        for cycles in range(size // longest + 1)
        for rest in cycle_types(size - cycles * longest, longest - 1)
    ]


@lru_cache(maxsize=256)
def _sizes(size: int) -> tuple[int, int]:
    """Return the number of partitions of `size`, and of pairs of a partition and a subset of it.

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
    """Return the number of permutations with a cycle type."""
    size = sum(length * number for length, number in cycles)
    unmoved = prod(length**number * factorial(number) for length, number in cycles)
    return factorial(size) // int(unmoved)


def _subsets(cycles: CycleType) -> int:
    """Return the number of sets of cycles, with cycles of equal length identified."""
    return prod(number + 1 for _, number in cycles)


@lru_cache(maxsize=1 << 17)
def _fixed_masks(emptied: CycleType, filled: CycleType) -> tuple[int, int]:
    """Count the masks of a layer that two permutations leave unchanged, and their nonzeros.

    A cycle of a rows and a cycle of b columns have gcd(a, b) orbits of lcm(a, b) entries, each all
    zeros or all ones. No row and no column may be empty; inclusion-exclusion over the empty cycles
    of one side removes one of these conditions.

    These are the cycle types of the rows and the columns, in either order; the sum runs over the
    first.
    """
    masks = nonzeros = 0
    for kept, sign in _kept_cycles(emptied):
        kept_size = sum(length * number for length, number in kept)
        if kept_size == 0:
            continue
        ways = 1
        mean = []
        for length, number in filled:
            orbits = sum(gcd(length, other) * many for other, many in kept)
            choices = (1 << orbits) - 1
            ways *= choices**number
            # Nonzeros of a cycle over all of its choices: each entry is 1 in half of them.
            mean.append((number * length * kept_size << (orbits - 1), choices))
        masks += sign * ways
        nonzeros += sign * sum(ways // choices * total for total, choices in mean)
    return masks, nonzeros


@lru_cache(maxsize=1 << 12)
def _kept_cycles(cycles: CycleType) -> list[tuple[CycleType, int]]:
    """Return the subsets of cycles with their numbers, negative if an odd number is removed."""
    if not cycles:
        return [((), 1)]
    (length, number), *others = cycles
    return [
        (((length, number - away), *kept) if away < number else kept, sign * (-1) ** away * ways)
        for kept, sign in _kept_cycles(tuple(others))
        for away, ways in ((away, comb(number, away)) for away in range(number + 1))
    ]
