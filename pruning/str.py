"""STR: soft-threshold reparametrisation, with one trained threshold for each layer.

Idea: weights below a threshold are zero in every step, and gradient descent moves the threshold
too, so that each layer finds its own sparsity. Weight decay raises the thresholds. Kusupati et al.,
"Soft threshold weight reparameterization for learnable sparsity" (ICML 2020), as in the authors'
code (RAIVNLab/STR). With free weights v and one number t for each layer:

    w = sign(v) * max(0, |v| - sigmoid(t)),  t starts far below 0 and decays towards 0

    dw/dv = 1 where w is not 0, else 0;  dw/dt = -sign(v) sigmoid'(t) where w is not 0, else 0

t has a decay of its own, `strength`; in the authors' code it is that of v unless it is set. The
trained network is sparse as it is; `finetune` can train it further. All defaults are this
project's: the authors' t starts at -3200 or -12800 and has a decay of 2e-5 to 4e-5, for trainings
of 100 epochs on ImageNet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Free, Measure, Objective, Requests
from pruning.segments import (
    dense_network,
    finetune,
    finetune_stages,
    flat_weights,
    sigmoid,
    train_rounds,
)
from search.compilation import compiled
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


class _Thresholds:
    """Weights and gradients of free weights [weights] and thresholds before sigmoid [layers]."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = np.array(sizes)
        self._starts = np.cumsum([0, *sizes[:-1]])
        # Of the last weights: thresholds, and the signs of those that are not zero.
        self._threshold = self._signs = np.zeros(0, np.float32)

    def weights(self, free: Free) -> NDArray[np.float32]:
        """Return the thresholded weights."""
        values, raw = free
        self._threshold = sigmoid(raw)
        self._signs, weights = np.empty_like(values), np.empty_like(values)
        _thresholded(values, self._threshold, self._sizes, self._signs, weights)
        return weights

    def gradient(self, free: Free, slopes: NDArray[np.float32]) -> Free:
        """Return the derivatives in the free weights and in the thresholds before sigmoid."""
        signed = slopes * self._signs
        sums = np.add.reduceat(signed, self._starts)
        return [signed * self._signs, sums * (self._threshold * (self._threshold - 1))]


@compiled
def _thresholded(values, thresholds, sizes, signs, weights):  # type: ignore[no-untyped-def]
    """Write the thresholded weights and their signs, 0 for zero, float32 [weights] each.

    The free values are float32 [weights], the thresholds float32 [layers], and the sizes int64
    [layers] the layers' numbers of weights.
    """
    start = 0
    for layer in range(len(sizes)):
        for i in range(start, start + sizes[layer]):
            above = abs(values[i]) - thresholds[layer]
            sign = np.sign(values[i]) if above > 0 else np.float32(0)
            signs[i] = sign
            weights[i] = above * sign
        start += sizes[layer]


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train weights with thresholds; see `pruning.protocol.PrunesAdaptively`."""
    function = _Thresholds([weight.size for weight, _ in layers])
    raw = np.full(len(layers), setting(experiment, "start"), np.float32)
    objective = Objective(
        [flat_weights(layers), raw],
        function.weights,
        function.gradient,
        [experiment.weight_decay, float(setting(experiment, "strength"))],
    )
    network = yield from train_rounds(dense_network(layers), measure, objective=objective)
    return (yield from finetune(experiment, network, flat_weights(network.layers), measure))


stages = finetune_stages
