"""PHEW: keep the weights of random walks between inputs and outputs that prefer large weights.

Idea: without data, a sparse network learns well if large initial weights form many paths through
wide layers. Patil and Dovrolis, "PHEW: Constructing sparse networks that learn fast and generalize
well without training data" (ICML 2021), with the details of the authors' code
(ShreyasMalakarjunPatil/PHEW). Walks alternate between two directions until at least k weights are
kept:

    forward from an input: from neuron i to j with probability |w_ji| / sum over j of |w_ji|
    backward from an output: from neuron j to i with probability |w_ji| / sum over i of |w_ji|

Inputs and outputs take turns as the first neuron. Every kept weight is on a path, and the last walk
can exceed the target by one weight less than the network has layers. A neuron whose weights are all
zero continues to any neuron with equal probability.

Random numbers are those of the experiment's stream "phew" (`pruning.draws`). Change in this
project: weights of probability 0 cannot be reached, so the walks end after `MAX_IDLE` in a row that
keep no new weight, with fewer than k weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pruning.draws import Draw, uniform_draws
from pruning.masks import bias_masks
from pruning.protocol import Batches, Pruned, target_of
from search.experiment import Experiment
from search.layers import Layers

MAX_IDLE = 10_000
"""Number of successive walks without a new weight after which the walks end."""

Walk = Callable[[int], int]
"""Function from the neuron of one layer to the next neuron of the walk."""


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of PHEW; see `pruning.protocol.PrunesBefore`. Draws no batch."""
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    draw = uniform_draws(experiment.seed("phew"))
    magnitudes = [np.abs(weight.astype(np.float64)) for weight, _ in layers]
    forward = [_walk(magnitude.T, draw) for magnitude in magnitudes]
    backward = [_walk(magnitude, draw) for magnitude in magnitudes]
    masks: list[NDArray[np.bool_]] = [np.zeros(weight.shape, np.bool_) for weight, _ in layers]
    kept = idle = walks = 0
    while kept < target and idle < MAX_IDLE:
        turn, is_backward = divmod(walks, 2)
        neuron = turn % (len(masks[-1]) if is_backward else layers[0][0].shape[1])
        before = kept
        for step in range(len(masks)):
            layer = len(masks) - 1 - step if is_backward else step
            following = (backward if is_backward else forward)[layer](neuron)
            edge = (neuron, following) if is_backward else (following, neuron)
            neuron = following
            kept += not masks[layer][edge]
            masks[layer][edge] = True
        idle = 0 if kept > before else idle + 1
        walks += 1
    return Pruned(masks, bias_masks(masks))


def _walk(magnitudes: NDArray[np.float64], draw: Draw) -> Walk:
    """Return the walk from the rows to the columns of a matrix.

    Magnitudes, float64 [from, to], are probabilities that are not normalised.
    """
    empty = magnitudes.max(axis=1, keepdims=True) == 0
    sums = np.cumsum(np.where(empty, 1.0, magnitudes), axis=1)
    # The last column of positive probability, which a product that is rounded up can exceed.
    last = [int(np.searchsorted(row, row[-1])) for row in sums]

    def walk(neuron: int) -> int:
        row = sums[neuron]
        return min(int(np.searchsorted(row, draw() * row[-1], side="right")), last[neuron])

    return walk
