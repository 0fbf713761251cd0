"""L0 regularisation with hard-concrete gates: the expected number of weights as the penalty.

Idea: multiply each weight by a random gate that is exactly 0 or exactly 1 with positive
probability. The expected number of gates that are not 0 is a smooth function of their parameters,
and so is, for fixed noise, the loss. Louizos, Welling and Kingma, "Learning sparse neural networks
through L0 regularization" (ICLR 2018), as in the authors' code (AMLab-Amsterdam/L0_regularization).
With free weights v, gates' parameters a, penalty l, temperature b = 2/3, limits g = -0.1 and
z = 1.1, and u drawn uniformly from (0, 1) for every weight and step:

    s = sigmoid((log u - log(1 - u) + a) / b),  gate = clip(s * (z - g) + g, 0, 1)

    w = v * gate,  loss(w) + l * sum sigmoid(a - b * log(-g / z))

At the end the gate without noise, clip(sigmoid(a) * (z - g) + g, 0, 1), multiplies each weight;
those whose gate is 0 are removed, and the others are trained for `finetune` times as many epochs.

Changes: there is one gate for each weight; in the authors' code there is one for each input of a
layer. The learning rate of a is `rate` times that of v: with a rate of 1, gates hardly move, since
the steps of SGD are proportional to the small gradient in a. The authors use Adam for their LeNet
and SGD for their wide residual network, with one rate for both. a starts at log((1 - d) / d) with
d = `dropout` for all weights, without their noise of 0.01, and is not limited to log 0.01 to log
100. Their d is from 0.2 to 0.5. Weight decay acts on v alone; theirs is weighted by the probability
that a gate is open. They divide l by the number of training points, can test with averages of the
parameters over the steps, and do not train further. All defaults are this project's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Free, Measure, Objective, Requests, Segment
from pruning.segments import dense_network, finetune, finetune_stages, flat_weights, sigmoid
from search.compilation import compiled
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

TEMPERATURE = np.float32(2 / 3)
LOWEST, HIGHEST = np.float32(-0.1), np.float32(1.1)
"""b, g and z."""

_ZERO, _ONE = np.float32(0), np.float32(1)

_MARGIN = np.float32(1e-6)
"""Distance of the noise from 0 and 1."""

_NUMBERS_AT_ONCE = 2**15


class _HardConcreteGates:
    """Weights and gradients of free weights [weights] and gates' parameters [weights].

    `penalty` is l, and `rate` the learning rate of the gates' parameters, as a multiple of the
    weights'. The attribute `noise` yields -(log u - log(1 - u)) / b for every weight, float32
    [weights], for each step.
    """

    def __init__(self, penalty: float, rate: float) -> None:
        self._penalty = np.float32(penalty)
        self._rate = np.float32(rate)
        self._shift = np.float32(TEMPERATURE * np.log(-LOWEST / HIGHEST))
        self.noise: Iterator[NDArray[np.float32]] = iter(())
        # Of the last weights: s, the gate before clipping, and the gate.
        self._concrete = self._open = self._gate = np.zeros(0, np.float32)

    def weights(self, free: Free) -> NDArray[np.float32]:
        """Return the weights under new random gates."""
        values, parameters = free
        exponential = np.exp(next(self.noise) - parameters * (1 / TEMPERATURE))
        weights = np.empty_like(values)
        self._concrete, self._open, self._gate = (np.empty_like(values) for _ in range(3))
        _gated(values, exponential, self._concrete, self._open, self._gate, weights)
        return weights

    def gradient(self, free: Free, slopes: NDArray[np.float32]) -> Free:
        """Return the derivatives in the free weights and, times the rate, in the parameters."""
        values, parameters = free
        expected = sigmoid(parameters - self._shift)
        gates = self._concrete, self._open, self._gate
        gradients = np.empty_like(values), np.empty_like(values)
        _gradients(values, slopes, *gates, expected, self._penalty, self._rate, *gradients)
        return gradients


@compiled
def _gated(values, exponential, concrete, opened, gate, weights):  # type: ignore[no-untyped-def]
    """Compute s, the gate before clipping, the gate and the weight; all float32 [weights]."""
    for i in range(len(values)):
        concrete[i] = _ONE / (_ONE + exponential[i])
        opened[i] = concrete[i] * (HIGHEST - LOWEST) + LOWEST
        gate[i] = min(max(opened[i], _ZERO), _ONE)
        weights[i] = values[i] * gate[i]


@compiled
def _gradients(  # type: ignore[no-untyped-def]
    values, slopes, concrete, opened, gate, expected, penalty, rate, in_values, in_parameters
):
    """Compute the derivatives in the free weights and, times the rate, in the gates' parameters."""
    for i in range(len(values)):
        in_values[i] = slopes[i] * gate[i]
        in_gate = _ZERO
        if opened[i] == gate[i]:
            slope = concrete[i] * (_ONE - concrete[i]) * ((HIGHEST - LOWEST) / TEMPERATURE)
            in_gate = slopes[i] * values[i] * slope
        in_gate += penalty * expected[i] * (_ONE - expected[i])
        in_parameters[i] = rate * in_gate


def noise(seed: int, epoch: int, weights: int) -> Iterator[NDArray[np.float32]]:
    """Yield the noise of each step of an epoch; see `_HardConcreteGates`."""
    generator = np.random.default_rng((seed, epoch))
    # Several steps at once: for few weights a call costs more than its numbers.
    shape = max(1, _NUMBERS_AT_ONCE // weights), weights
    while True:
        drawn = generator.random(shape, np.float32) * (1 - 2 * _MARGIN) + _MARGIN
        yield from np.log((1 - drawn) / drawn) * (1 / TEMPERATURE)


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train weights with random gates; see `pruning.protocol.PrunesAdaptively`."""
    rate = float(setting(experiment, "rate"))
    function = _HardConcreteGates(float(setting(experiment, "strength")), rate)
    dropout = float(setting(experiment, "dropout"))
    values = flat_weights(layers)
    parameters = np.full(len(values), np.log((1 - dropout) / dropout), np.float32)
    decay = [experiment.weight_decay, 0.0]
    objective = Objective([values, parameters], function.weights, function.gradient, decay)
    network, seed = dense_network(layers), experiment.seed("l0")
    for epoch, learning_rate in enumerate(measure.learning_rates):
        function.noise = noise(seed, epoch, len(values))
        step = epoch * measure.steps_per_epoch
        last = step + measure.steps_per_epoch
        network = yield Segment(network, step, last, learning_rate, objective)
    gates = np.clip(sigmoid(parameters) * (HIGHEST - LOWEST) + LOWEST, 0, 1)
    kept = (values * gates).astype(np.float32)
    return (yield from finetune(experiment, network, kept, measure))


stages = finetune_stages
