"""Training of free parameters of which a network's weights are a function.

A step evaluates the weights, computes the gradient of the loss in them with the kernel or with
matrix products, as `workers.cost.prefers_matrices` chooses, lets the method turn it into the
gradient in the free parameters, and descends.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pruning.protocol import Objective, Snapshot
from pruning.validation import check_objective
from search.layers import Layers, by_layer
from workers.cost import prefers_matrices
from workers.datasets import Dataset
from workers.dense import DenseGradient
from workers.kernel.compiled import compiled
from workers.kernel.packing import topology
from workers.kernel.sgd import scratch, train_steps
from workers.sparse import SparseNetworks
from workers.step_schedule import EpochSlice, StepSchedule

Floats = NDArray[np.float32]


@compiled
def _descend(values, velocities, gradient, decays, rate, momentum):  # type: ignore[no-untyped-def]
    """Apply SGD with momentum in place, float32 [values]; each value has its own decay."""
    for i in range(values.shape[0]):
        velocity = momentum * velocities[i] + (gradient[i] + decays[i] * values[i])
        velocities[i] = velocity
        values[i] -= rate * velocity


class _SparseGradient:
    """Computes the gradient of the loss in a network's unmasked parameters with the kernel.

    It is called with parameters float32 [weights], masked ones included but ignored, and float32
    [biases], and a step of an epoch. A step without rate and momentum leaves the gradient as the
    velocities.

    Attributes:
        slopes: the last gradient in the weights and in the biases, 0 where masked.
    """

    def __init__(self, network: Snapshot, dataset: Dataset, batch_size: int) -> None:
        self._packed = SparseNetworks([network]).packed
        self._memory = scratch(self._packed, dataset, batch_size)
        self._edges = np.flatnonzero(np.concatenate([m.ravel() for m in network.weight_masks]))
        self._neurons = topology(network.weight_masks, network.bias_masks).neurons
        weights = sum(mask.size for mask in network.weight_masks)
        self.slopes = (
            np.zeros(weights, np.float32),
            np.zeros(sum(map(len, network.bias_masks)), np.float32),
        )
        self._dense = len(self._edges) == weights and len(self._neurons) == len(self.slopes[1])
        self._zero = np.zeros(1, np.float32)

    def __call__(self, weights: Floats, biases: Floats, part: EpochSlice, step: int) -> None:
        edges, end = len(self._edges), len(self._edges) + len(self._neurons)
        parameters, velocities = self._packed.parameters, self._packed.velocities
        parameters[:edges] = weights if self._dense else weights[self._edges]
        parameters[edges:end] = biases if self._dense else biases[self._neurons]
        settings = self._zero, self._zero, self._zero
        train_steps(self._packed, part.order, step, step + 1, *settings, self._memory)
        if self._dense:
            self.slopes = velocities[:edges], velocities[edges:end]
        else:
            self.slopes[0][self._edges] = velocities[:edges]
            self.slopes[1][self._neurons] = velocities[edges:end]


class _DenseGradient:
    """The same by matrix products."""

    def __init__(self, network: Snapshot, dataset: Dataset, batch_size: int) -> None:
        self._dense = DenseGradient(network.layers, dataset, batch_size)
        self._masked = ~np.concatenate([mask.ravel() for mask in network.weight_masks])
        self._masked_biases = ~np.concatenate(network.bias_masks)
        sizes = len(self._masked), len(self._masked_biases)
        self.slopes = np.zeros(sizes[0], np.float32), np.zeros(sizes[1], np.float32)
        self._whole = not (self._masked.any() or self._masked_biases.any())

    def __call__(self, weights: Floats, biases: Floats, part: EpochSlice, step: int) -> None:
        if not self._whole:
            weights = np.where(self._masked, np.float32(0), weights)
        layers = self._dense.parameters.layers
        given = _layers_of(weights, biases, layers)
        for (weight, bias), numbers in zip(layers, given, strict=True):
            weight[...], bias[...] = numbers
        self._dense.compute(part.order, step)
        slopes = self._dense.gradient.layers
        np.concatenate([weight.ravel() for weight, _ in slopes], out=self.slopes[0])
        np.concatenate([bias for _, bias in slopes], out=self.slopes[1])
        if not self._whole:
            self.slopes[0][self._masked] = 0
            self.slopes[1][self._masked_biases] = 0


def train_objective(
    network: Snapshot,
    objective: Objective,
    schedule: StepSchedule,
    first: int,
    last: int,
    rate: float | None = None,
) -> Snapshot:
    """Train the free parameters of an objective in place, and the network's biases.

    The decay of the objective replaces the experiment's; the other arguments and the result are
    those of `workers.dense.train_dense`. A ValueError if a function of the objective returns arrays
    that do not fit.
    """
    experiment = schedule.experiment
    method, weight_decay = experiment.method, experiment.weight_decay
    biases = np.concatenate([bias for _, bias in network.layers])
    weights = sum(weight.size for weight, _ in network.layers)
    arrays = [*objective.free, biases]
    moving = [*objective.velocities, np.concatenate([bias for _, bias in network.velocities])]
    each = [weight_decay] * len(objective.free) if objective.decay is None else objective.decay
    values = np.concatenate([array.ravel() for array in arrays])
    velocities = np.concatenate([array.ravel() for array in moving])
    decays = np.repeat(np.array([*each, weight_decay], np.float32), [a.size for a in arrays])
    shapes = [array.shape for array in arrays]
    *free, biases = by_layer(values, shapes)
    *moved, moved_biases = by_layer(velocities, shapes)
    kind: type[_DenseGradient | _SparseGradient] = (
        _DenseGradient if prefers_matrices(network.weight_masks) else _SparseGradient
    )
    gradient_of = kind(network, schedule.dataset, experiment.batch_size)
    slope = np.zeros_like(values)
    # A diverging training overflows, which its row reports.
    with np.errstate(all="ignore"), torch.inference_mode():
        checked = False
        for part in schedule.slices(first, last, rate):
            for step in range(part.first_step, part.last_step):
                current = objective.weights(free)
                # A wrong shape would be broadcast; once is enough.
                if not checked:
                    check_objective(method, current, free, free, weights)
                gradient_of(current, biases, part, step)
                weight_slopes, bias_slopes = gradient_of.slopes
                gradient = objective.gradient(free, weight_slopes)
                if not checked:
                    check_objective(method, current, gradient, free, weights)
                    checked = True
                np.concatenate([*(array.ravel() for array in gradient), bias_slopes], out=slope)
                settings = np.float32(part.rate), np.float32(experiment.momentum)
                _descend(values, velocities, slope, decays, *settings)
        final = objective.weights(free)
    kept = [*objective.free, *objective.velocities]
    for array, trained in zip(kept, [*free, *moved], strict=True):
        array[...] = trained
    resting = np.zeros(weights, np.float32)
    return replace(
        network,
        layers=_layers_of(final, biases, network.layers),
        velocities=_layers_of(resting, moved_biases, network.layers),
    )


def _layers_of(weights: Floats, biases: Floats, layers: Layers) -> Layers:
    """Return weights [weights] and biases [biases] in the shapes of layers."""
    split = by_layer(weights, [weight.shape for weight, _ in layers])
    return list(zip(split, by_layer(biases, [bias.shape for _, bias in layers]), strict=True))
