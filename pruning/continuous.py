"""Continuous sparsification: soft gates that become hard during training.

Idea: an L0 penalty counts gates that are 0 or 1. Replace each gate by a sigmoid that is nearly
linear at first and nearly a step at the end, and the penalty by the sum of the gates: then gradient
descent can minimise both. Savarese, Silva and Maire, "Winning the lottery with continuous
sparsification" (NeurIPS 2020), as in the authors' code (lolemacs/continuous-sparsification). With
free weights v, gates' parameters s, penalty l and a temperature b that grows geometrically from 1
in the first epoch to `final` in the last:

    w = c * v * sigmoid(b * s),  loss(w) + l * sum sigmoid(b * s),  c = 1 / sigmoid(s_0)

s starts at s_0 for every weight and has no weight decay; c makes the initial network the given one.
At the end the weights with s > 0 are kept at c * v. They are trained for `finetune` times as many
epochs.

Changes: there is one round; the authors repeat it, and between rounds multiply s by b and limit it
to s_0. The kept weights continue from their trained values; the authors rewind them to an early
epoch. The authors' code also multiplies the penalty by c, which is 2 for s_0 = 0. Its strength is
1e-8, for residual networks; the default of `strength` is this project's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Free, Measure, Objective, Requests, Segment
from pruning.segments import dense_network, finetune, finetune_stages, flat_weights, sigmoid
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


class _SigmoidGates:
    """Weights and gradients of free weights [weights] and gates' parameters [weights].

    `start` is s_0, `penalty` is l, and the attribute `temperature` is b.
    """

    def __init__(self, start: float, penalty: float) -> None:
        self.scale = np.float32(1 + np.exp(-start))
        self._penalty = np.float32(penalty)
        self.temperature = np.float32(1)

    def weights(self, free: Free) -> NDArray[np.float32]:
        """Return the gated weights."""
        values, gates = free
        return self.scale * values * sigmoid(self.temperature * gates)

    def gradient(self, free: Free, slopes: NDArray[np.float32]) -> Free:
        """Return the derivatives in the free weights and in the gates' parameters."""
        values, gates = free
        gate = sigmoid(self.temperature * gates)
        scaled = self.scale * slopes
        in_gate = (scaled * values + self._penalty) * (self.temperature * gate * (1 - gate))
        return [scaled * gate, in_gate]


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train weights with gates; see `pruning.protocol.PrunesAdaptively`."""
    start, final = float(setting(experiment, "start")), float(setting(experiment, "final"))
    function = _SigmoidGates(start, float(setting(experiment, "strength")))
    values = flat_weights(layers)
    gates = np.full(len(values), start, np.float32)
    decay = [experiment.weight_decay, 0.0]
    objective = Objective([values, gates], function.weights, function.gradient, decay)
    network, rates = dense_network(layers), measure.learning_rates
    for epoch, rate in enumerate(rates):
        function.temperature = np.float32(final ** (epoch / max(1, len(rates) - 1)))
        step = epoch * measure.steps_per_epoch
        network = yield Segment(network, step, step + measure.steps_per_epoch, rate, objective)
    kept = np.where(gates > 0, function.scale * values, np.float32(0))
    return (yield from finetune(experiment, network, kept, measure))


stages = finetune_stages
