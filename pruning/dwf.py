"""Deep weight factorisation: train products of factors under weight decay, which makes zeros.

Idea: a product of D factors with L2 decay on each has, at its minima, the cost of the non-convex
penalty sum |w|^(2/D) on the weights, but it is smooth, so that SGD can minimise it. Kolb, Weber,
Bischl and Rügamer, "Deep weight factorization: sparse learning through the lens of artificial
symmetries" (ICLR 2025). With D factors and strength s:

    w = v_1 * v_2 * ... * v_D, loss(w) + (s / 2) * (|v_1|^2 + ... + |v_D|^2)

At a minimum all factors of a weight have the magnitude |w|^(1/D), and the penalty is
(s D / 2) * sum |w|^(2/D).

Changes: v_1 starts at the experiment's initial weights and the other factors at 1, so that training
starts from the network that the other methods start from, and weights can change their sign until
decay has balanced the factors. The paper draws all factors from a normal distribution of standard
deviation d^(1/D), where d is that of the usual initialisation, and draws again those of magnitude
below e^(1/D) or above min(1, (2 d)^(1/D)), for a small e (algorithm D.1, read in implementations by
others). Before this truncation the product has the usual variance, after it less. The paper needs
large learning rates. Here the factors' learning rate is `rate` times the experiment's, which is
less: the step of a weight w is D |w|^(2 - 2/D) times that of SGD on w if its factors are balanced,
26 times for w = 5 and D = 3, and at the experiment's rate neurons die. After `Experiment.epochs`
epochs, weights of magnitude up to `threshold` are removed, and the others are trained for
`finetune` times as long without factors. Biases have no factors. All defaults are this project's.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Free, Measure, Objective, Requests
from pruning.segments import dense_network, finetune, finetune_stages, flat_weights, train_rounds
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train factors; see `pruning.protocol.PrunesAdaptively`."""
    factors, rate = int(setting(experiment, "factors")), float(setting(experiment, "rate"))
    return factorised(experiment, layers, measure, factors, rate)


def factorised(
    experiment: Experiment, layers: Layers, measure: Measure, factors: int, rate: float = 1.0
) -> Requests:
    """Train products of some number of factors, remove small weights and fine-tune.

    The experiment's method has the settings `strength`, `threshold` and `finetune`. The factors'
    learning rate is `rate` times the experiment's.
    """
    initial = flat_weights(layers)
    free = [initial, *(np.ones_like(initial) for _ in range(factors - 1))]
    decay = [rate * float(setting(experiment, "strength"))] * factors

    def gradient(free: Free, slopes: NDArray[np.float32]) -> Free:
        return factor_gradients(free, slopes * np.float32(rate))

    objective = Objective(free, product, gradient, decay)
    network = yield from train_rounds(dense_network(layers), measure, objective=objective)
    weights = product(free)
    small = np.abs(weights) <= setting(experiment, "threshold")
    kept = np.where(small, np.float32(0), weights)
    return (yield from finetune(experiment, network, kept, measure))


def product(free: Free) -> NDArray[np.float32]:
    """Return the products of the factors."""
    return reduce(np.multiply, free)


def factor_gradients(free: Free, slopes: NDArray[np.float32]) -> Free:
    """Return the derivatives in each factor: those in the product times the other factors."""
    after = [free[-1]]
    for factor in free[-2:0:-1]:
        after.append(after[-1] * factor)
    before, gradients = slopes, []
    for factor, others in zip(free, reversed(after), strict=False):
        gradients.append(before * others)
        before = before * factor
    return [*gradients, before]


stages = finetune_stages
