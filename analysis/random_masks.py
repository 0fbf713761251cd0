"""Probability that a random mask cuts every path from input to output: exact and simulated.

The paper's theorem: if k of a network's weights are kept uniformly at random, the probability that
no path is left tends to 1 as the width grows (docs/paper.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

Polynomial = list[int]
"""Coefficients by degree: number of choices of weights, by the number of weights chosen."""


def masks_without_path(sizes: Sequence[int], max_kept: int) -> list[int]:
    """Count the masks of a network that leave no path from an input to an output.

    Works layer by layer, for each number r of neurons of a layer that an input reaches. Of the n
    neurons of the next layer, s are reached if each of them has a weight from one of the r
    neurons, which gives C(n, s) * ((1 + x)^r - 1)^s, where the power of x counts weights. The
    other neurons have no weight from these r, and the weights from the m - r neurons that are not
    reached are free: (1 + x)^((m - r) * n). Masks without a path are those that reach no output.

    Args:
        sizes: neurons of each layer, including inputs and outputs, such as [2, 16, 16, 16, 1].
        max_kept: largest number of kept weights.

    Returns:
        The exact number of such masks for each number of kept weights from 0 to `max_kept`. There
        are C(weights, kept) masks in all.

    Raises:
        ValueError: there are fewer than two layers, or a layer has no neurons.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"a network needs at least two layers of neurons, not {list(sizes)}")
    degree = max_kept
    # Number of reached neurons -> choices of the weights so far.
    choices: dict[int, Polynomial] = {sizes[0]: [1] + [0] * degree}
    for n_in, n_out in pairwise(sizes):
        following: dict[int, Polynomial] = {}
        for reached, so_far in choices.items():
            free = _powers_of_one_plus_x((n_in - reached) * n_out, degree)
            from_reached = _powers_of_one_plus_x(reached, degree)
            from_reached[0] = 0
            product = _product(so_far, free, degree)
            for newly_reached in range(n_out + 1):
                if not any(product):
                    break  # each further neuron needs one more weight than is allowed
                total = following.setdefault(newly_reached, [0] * (degree + 1))
                for power, count in enumerate(product):
                    total[power] += comb(n_out, newly_reached) * count
                product = _product(product, from_reached, degree)
        choices = following
    return choices[0]


def probability_without_path(sizes: Sequence[int], kept: int) -> float:
    """Return the probability that a uniformly random mask with `kept` weights has no path.

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
    """Draw random masks and count those in which no input reaches an output.

    Args:
        sizes: neurons of each layer, including inputs and outputs.
        kept: number of weights of each mask.
        trials: number of masks.
        generator: draws the masks.
    """
    weights = number_of_weights(sizes)
    chosen = np.stack(
        [generator.choice(weights, kept, replace=False, shuffle=False) for _ in range(trials)]
    )
    return int(np.count_nonzero(~_reaches_an_output(chosen, sizes)))


def number_of_weights(sizes: Sequence[int]) -> int:
    """Return the number of weights of the dense network."""
    return sum(n_in * n_out for n_in, n_out in pairwise(sizes))


def _reaches_an_output(chosen: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Return for each mask whether it has a path; indices count weights layer by layer.

    Args:
        chosen: int64 [masks, kept], the indices of the kept weights.
        sizes: neurons of each layer.

    Returns:
        bool [masks].
    """
    masks = np.arange(len(chosen))[:, None]
    reached = np.ones((len(chosen), sizes[0]), np.bool_)
    start = 0
    for n_in, n_out in pairwise(sizes):
        index = chosen - start
        in_layer = (index >= 0) & (index < n_in * n_out)
        target, source = np.divmod(np.where(in_layer, index, 0), n_in)
        live = in_layer & reached[masks, source]
        following = np.zeros((len(chosen), n_out), np.bool_)
        rows = np.broadcast_to(masks, live.shape)
        following[rows[live], target[live]] = True
        reached, start = following, start + n_in * n_out
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
