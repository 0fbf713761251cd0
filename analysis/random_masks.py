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

from search.structure import count_weights

Polynomial = NDArray[np.object_]
"""Coefficients by degree: number of choices of weights, by the number of weights chosen."""


def masks_without_path(sizes: Sequence[int], max_kept: int) -> list[int]:
    """Count the masks of a network that leave no path from an input to an output.

    Works layer by layer, for each number r of neurons of a layer that an input reaches. Of the n
    neurons of the next layer, s are reached if each of them has a weight from one of the r neurons,
    which gives C(n, s) * ((1 + x)^r - 1)^s, where the power of x counts weights. The other neurons
    have no weight from these r, and the weights from the m - r neurons that are not reached are
    free:
    (1 + x)^((m - r) * n). Masks without a path are those that reach no output.

    Args:
        sizes: neurons of each layer, including inputs and outputs, such as [2, 16, 16, 16, 1].
        max_kept: largest number of kept weights.

    Returns:
        The exact number of such masks, of C(weights, kept), for each number kept from 0 to
            `max_kept`.

    Raises:
        ValueError: there are fewer than two layers, or a layer has no neurons.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"a network needs at least two layers of neurons, not {list(sizes)}")
    # Number of reached neurons -> choices of the weights so far. Polynomials are arrays of Python's
    # integers, which do not overflow: the coefficients by power, up to max_kept.
    choices = {sizes[0]: _power(0, max_kept)}
    for n_in, n_out in pairwise(sizes):
        following: dict[int, Polynomial] = {}
        for reached, so_far in choices.items():
            from_reached = _power(reached, max_kept) - _power(0, max_kept)
            product = _product(so_far, _power((n_in - reached) * n_out, max_kept))
            for newly_reached in range(n_out + 1):
                if not product.any():
                    break  # each further neuron needs one more weight than is allowed
                total = following.get(newly_reached, 0)
                following[newly_reached] = total + comb(n_out, newly_reached) * product
                product = _product(product, from_reached)
        choices = following
    return list(choices[0])


def simulated_without_path(
    sizes: Sequence[int], kept: int, trials: int, generator: np.random.Generator
) -> int:
    """Draw random masks with `kept` weights and count those in which no input reaches an output."""
    weights = count_weights(sizes)
    chosen = np.stack(
        [generator.choice(weights, kept, replace=False, shuffle=False) for _ in range(trials)]
    )
    return int(np.count_nonzero(~_reaches_an_output(chosen, sizes)))


def _reaches_an_output(chosen: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Return whether each mask has a path, bool [masks].

    Masks are the indices of their weights, int64 [masks, kept], counted layer by layer.
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


def _power(exponent: int, degree: int) -> Polynomial:
    """Return (1 + x)^exponent up to a degree."""
    return np.array([comb(exponent, power) for power in range(degree + 1)], np.object_)


def _product(first: Polynomial, second: Polynomial) -> Polynomial:
    return np.convolve(first, second)[: len(first)]
