"""Powerpropagation under gradual magnitude pruning: large weights learn faster than small ones.

Idea: with a power of a free parameter as the weight, an update is in proportion to a power of the
weight's magnitude. Small weights stay small, and more of them can be pruned. Schwarz et al.,
"Powerpropagation: a sparsity inducing weight reparameterisation" (NeurIPS 2021). With free
parameters v and power a:

    w = v * |v|^(a - 1),  dw/dv = a * |v|^(a - 1),  v starts at sign(w) * |w|^(1 / a)

This is the reparametrisation of the authors' code (powerpropagation in
google-deepmind/deepmind-research), which tries a = 1 to 5 without weight decay and prunes each
layer once, after the training. Here the masks follow the schedule of `pruning.gmp`, which keeps the
largest |w| of the network, and weight decay acts on v. Biases are trained as they are.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pruning.gmp import begin, stages
from pruning.protocol import Batch, Free, Measure, Objective, Requests, Segment
from pruning.segments import dense_network, flat_weights
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

__all__ = ["requests", "stages"]


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Train powers of parameters under GMP; see `pruning.protocol.PrunesAdaptively`."""
    steps = len(measure.learning_rates) * measure.steps_per_epoch
    # The schedule draws neither permutations nor batches.
    schedule = begin(experiment, layers, steps, lambda size: np.zeros(0, np.uint32))
    power = float(setting(experiment, "power"))
    exponent, factor = np.float32(power - 1), np.float32(power)

    def weights(free: Free) -> NDArray[np.float32]:
        return free[0] * _power(free[0], exponent)

    def gradient(free: Free, slopes: NDArray[np.float32]) -> Free:
        return [slopes * (factor * _power(free[0], exponent))]

    initial = flat_weights(layers)
    root = np.abs(initial) ** np.float32(1 / power)
    objective = Objective([np.sign(initial) * root], weights, gradient)
    changes = set(schedule.changes)
    bounds = sorted({0, steps, *changes, *range(0, steps, measure.steps_per_epoch)})

    network = dense_network(layers)
    for first, last in pairwise(bounds):
        if first in changes:
            network = schedule.change(first, network, _no_batch)
        rate = measure.learning_rates[first // measure.steps_per_epoch]
        network = yield Segment(network, first, last, rate, objective)
    return network


def _power(values: NDArray[np.float32], exponent: np.float32) -> NDArray[np.float32]:
    """Return powers of magnitudes, float32 in the shape of the values."""
    powers: NDArray[np.float32] = np.power(np.abs(values), exponent, dtype=np.float32)
    return powers


def _no_batch() -> Batch:
    raise AssertionError("GMP's schedule needs no batch")
