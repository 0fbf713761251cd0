"""Random networks with a given number of weights, and swaps of their weights."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from search.masks.text import mask_text
from search.strategies.problem import Masks, Problem

_TRIES = 1000
"""Number of consecutive paths that do not fit after which a network is restarted."""

_RESTARTS = 100
"""Number of restarts after which the outputs share a path where their own ones do not fit."""

Arrays = list[NDArray[np.bool_]]


def random_masks(problem: Problem, weights: int, random: Random) -> Masks:
    """Return the masks of a random network, in which every weight is on a path to an output.

    Paths from a random input through random neurons are added while they fit; every output gets at
    least one. A ValueError if no network of the structure has that number of weights.
    """
    outputs = problem.shapes[-1][0]
    if not len(problem.shapes) + outputs - 1 <= weights <= problem.weights:
        raise ValueError(f"no network of {problem.base.hidden} has {weights} weights")
    restarts = 0
    while True:
        masks = [np.zeros(shape, np.bool_) for shape in problem.shapes]
        left, failures = weights, 0
        first = _path(problem, random, 0)
        left -= _add(masks, first)
        for output in range(1, outputs):
            path = _path(problem, random, output)
            # Random paths to many outputs rarely fit few weights. They are tried first, so that a
            # seed with which they fit keeps its network: stored searches follow from it.
            if restarts >= _RESTARTS and _count_new(masks, path) > left - (outputs - 1 - output):
                path = [*first[:-1], (output, first[-1][1])]
            left -= _add(masks, path)
        while left > 0 and failures < _TRIES:
            path = _path(problem, random, random.randrange(outputs))
            new = _count_new(masks, path)
            if new <= left:
                left -= _add(masks, path)
            failures = 0 if 0 < new <= left else failures + 1
        if left == 0:
            return tuple(map(mask_text, masks))
        restarts += 1


def swapped(problem: Problem, masks: Masks, random: Random) -> Masks:
    """Return masks with one weight removed and another one added, both at random.

    A weight is added between neurons that the rest of the network uses. The masks are returned as
    they are if there is no such place, whichever weight is removed.
    """
    arrays = problem.arrays(masks)
    kept = _places(arrays)
    for removed in random.sample(kept, len(kept)):
        _set(arrays, removed, False)
        hidden = [mask.any(1) & after.any(0) for mask, after in pairwise(arrays)]
        used = [np.array([True] * problem.shapes[0][1]), *hidden]
        used.append(np.array([True] * problem.shapes[-1][0]))
        free = _places([~mask & np.outer(used[n + 1], used[n]) for n, mask in enumerate(arrays)])
        free = [place for place in free if place != removed]
        if free:
            _set(arrays, free[random.randrange(len(free))], True)
            return tuple(map(mask_text, arrays))
        _set(arrays, removed, True)
    return masks


def _places(arrays: Arrays) -> list[tuple[int, int, int]]:
    """Return (layer, target, source) wherever an array is True."""
    return [
        (layer, int(target), int(source))
        for layer, array in enumerate(arrays)
        for target, source in np.argwhere(array)
    ]


def _set(arrays: Arrays, place: tuple[int, int, int], kept: bool) -> None:
    layer, target, source = place
    arrays[layer][target, source] = kept


def _path(problem: Problem, random: Random, output: int) -> list[tuple[int, int]]:
    """Return the weights of a random path to an output, (target, source) by layer."""
    neurons = [random.randrange(n_in) for _, n_in in problem.shapes] + [output]
    return [(target, source) for source, target in pairwise(neurons)]


def _add(masks: Arrays, path: list[tuple[int, int]]) -> int:
    """Add a path; return the number of weights that were not there."""
    new = _count_new(masks, path)
    for mask, edge in zip(masks, path, strict=True):
        mask[edge] = True
    return new


def _count_new(masks: Arrays, path: list[tuple[int, int]]) -> int:
    """Return the number of weights of a path that are not there."""
    return sum(not mask[edge] for mask, edge in zip(masks, path, strict=True))
