"""How often a random mask cuts every path from an input to the output: exactly, and by simulation.

The paper's theorem: where k of a network's weights are kept uniformly at random, the probability
that no path is left tends to 1 as the width grows (docs/paper.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

Polynomial = list[int]
"""Coefficients by degree: how many choices of weights there are, by the number of weights."""


def masks_without_path(sizes: Sequence[int], most_kept: int) -> list[int]:
    """How many masks of a network leave no path from an input to an output.

    Layer by layer, for each number of neurons that an input reaches: of n neurons behind r reached
    ones, s are reached where each of the s has a weight from one of the r, which is
    C(n, s) * ((1 + x)^r - 1)^s; no other neuron has one from these r; and the weights from neurons
    that are not reached are free, (1 + x)^((m - r) * n) for m neurons before. The power of x counts
    weights. Masks without a path are those with no output reached.

    Args:
        sizes: neurons of each layer, inputs and outputs included, such as [2, 16, 16, 16, 1].
        most_kept: of weights.

    Returns:
        For each number of kept weights from 0 to `most_kept` the number of masks, exactly. Of all
        masks there are C(weights, kept).

    Raises:
        ValueError: fewer than two layers, or one without neurons.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"a network has two layers of neurons at least, not {list(sizes)}")
    degree = most_kept
    # Number of reached neurons -> choices of the weights so far.
    ways: dict[int, Polynomial] = {sizes[0]: [1] + [0] * degree}
    for before, behind in pairwise(sizes):
        following: dict[int, Polynomial] = {}
        for reached, so_far in ways.items():
            free = _powers_of_one_plus_x((before - reached) * behind, degree)
            from_reached = _powers_of_one_plus_x(reached, degree)
            from_reached[0] = 0
            chosen = _product(so_far, free, degree)
            for newly in range(behind + 1):
                if not any(chosen):
                    break  # every further neuron takes a weight more than there may be
                total = following.setdefault(newly, [0] * (degree + 1))
                for power, count in enumerate(chosen):
                    total[power] += comb(behind, newly) * count
                chosen = _product(chosen, from_reached, degree)
        ways = following
    return ways[0]


def probability_without_path(sizes: Sequence[int], kept: int) -> float:
    """The probability that a mask with `kept` weights, chosen uniformly, leaves no path.

    Raises:
        ValueError: the network has fewer weights.
    """
    weights = number_of_weights(sizes)
    if not 0 <= kept <= weights:
        raise ValueError(f"{kept} of {weights} weights cannot be kept")
    return masks_without_path(sizes, kept)[kept] / comb(weights, kept)


def simulated_without_path(
    sizes: Sequence[int], kept: int, trials: int, generator: np.random.Generator
) -> int:
    """In how many of some random masks no input reaches an output.

    Args:
        sizes: neurons of each layer, inputs and outputs included.
        kept: weights of each mask.
        trials: number of masks.
        generator: draws them.
    """
    weights = number_of_weights(sizes)
    chosen = np.stack(
        [generator.choice(weights, kept, replace=False, shuffle=False) for _ in range(trials)]
    )
    return int(np.count_nonzero(~_reaches_an_output(chosen, sizes)))


def number_of_weights(sizes: Sequence[int]) -> int:
    """Weights of the dense network."""
    return sum(before * behind for before, behind in pairwise(sizes))


def _reaches_an_output(chosen: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Whether there is a path, for each mask; weights are numbered layer by layer.

    Args:
        chosen: int64 [masks, kept], the places of the kept weights.
        sizes: of the layers.

    Returns:
        bool [masks].
    """
    masks = np.arange(len(chosen))[:, None]
    reached = np.ones((len(chosen), sizes[0]), np.bool_)
    start = 0
    for before, behind in pairwise(sizes):
        place = chosen - start
        here = (place >= 0) & (place < before * behind)
        target, source = np.divmod(np.where(here, place, 0), before)
        live = here & reached[masks, source]
        following = np.zeros((len(chosen), behind), np.bool_)
        rows = np.broadcast_to(masks, live.shape)
        following[rows[live], target[live]] = True
        reached, start = following, start + before * behind
    reaches: NDArray[np.bool_] = np.any(reached, axis=1, keepdims=True)[:, 0]
    return reaches


def _powers_of_one_plus_x(exponent: int, degree: int) -> Polynomial:
    return [comb(exponent, power) for power in range(degree + 1)]


def _product(first: Polynomial, second: Polynomial, degree: int) -> Polynomial:
    result = [0] * (degree + 1)
    for low, factor in enumerate(first):
        if factor:
            for high in range(degree + 1 - low):
                result[low + high] += factor * second[high]
    return result
