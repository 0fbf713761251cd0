"""Group lasso on neurons: a penalty that removes whole neurons.

Idea: the Euclidean norm of a group of weights has a kink where all of them are zero, so that as a
penalty it makes whole groups zero, as the absolute value does with single weights. Yuan and Lin,
"Model selection and estimation in regression with grouped variables" (2006); for networks
Scardapane et al., "Group sparse regularization for deep neural networks" (2017), whose groups are
the weights that leave a unit. With the n weights that leave hidden neuron g, and penalty l:

    loss(w) + l * sum over g of sqrt(n) * |w_g|

After `Experiment.epochs` epochs, neurons whose outgoing weights have a norm up to `threshold` are
removed with their incoming weights, and the others are trained for `finetune` times as many epochs.

The penalty is minimised by its gradient, 0 where the norm is 0, and not by a proximal step, so that
norms only come near zero; hence the threshold. Changes: Scardapane et al. also penalise the weights
that leave each input, and each bias as a group of its own, and recommend a sum with the L1 penalty.
Their demonstration (ispamm/group-lasso-for-neural-networks-tensorflow-keras) leaves biases out; it
has a strength of 0.001, Adam, and a threshold of 0.001 for the sum of magnitudes in a group. All
defaults are this project's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Free, Measure, Objective, Requests
from pruning.segments import dense_network, finetune, finetune_stages, flat_weights, train_rounds
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


class _Groups:
    """The groups of a network's weights, with the penalty l."""

    def __init__(self, layers: Layers, penalty: float) -> None:
        # Group 0 is that of the first layer, whose weights leave no neuron.
        source, target, size, neurons = [], [], [0], 1
        for layer, (weight, _) in enumerate(layers):
            rows, columns = weight.shape
            ends = np.arange(rows) + neurons + columns if layer else np.arange(rows) + 1
            starts = np.arange(columns) + neurons if layer else np.zeros(columns, np.int64)
            source.append(np.tile(starts, rows))
            target.append(np.repeat(ends, columns))
            if layer:
                size += [rows] * columns
                neurons += columns
        self._source, self._target = np.concatenate(source), np.concatenate(target)
        self._size = np.array(size)
        self._factor = penalty * np.sqrt(self._size)

    def norms(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the norm of each group, float64 [groups]."""
        return np.sqrt(np.bincount(self._source, weights * weights, len(self._size)))

    def gradient(self, free: Free, slopes: NDArray[np.float32]) -> Free:
        """Return the gradient of loss and penalty in the weights."""
        norms = self.norms(free[0])
        factors = np.divide(self._factor, norms, out=np.zeros_like(norms), where=norms > 0)
        return [slopes + free[0] * factors.astype(np.float32)[self._source]]

    def kept(self, weights: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
        """Return the weights, 0 where they leave or reach a neuron of at most this norm."""
        small = self.norms(weights) <= threshold
        small[0] = False
        # The outputs have no group.
        small = np.append(small, np.zeros(int(self._target.max()) + 1 - len(small), np.bool_))
        return np.where(small[self._source] | small[self._target], np.float32(0), weights)


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train with group lasso; see `pruning.protocol.PrunesAdaptively`."""
    groups = _Groups(layers, float(setting(experiment, "strength")))
    objective = Objective([flat_weights(layers)], lambda free: free[0], groups.gradient)
    network = yield from train_rounds(dense_network(layers), measure, objective=objective)
    kept = groups.kept(flat_weights(network.layers), float(setting(experiment, "threshold")))
    return (yield from finetune(experiment, network, kept, measure))


stages = finetune_stages
