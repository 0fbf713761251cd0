"""Training of a wide, mostly dense network by matrix products.

A weight costs the sparse kernel about three times what it costs in a matrix product, so wide and
mostly dense networks are trained here, one at a time. Masked weights take part in the products and
are kept at zero by a factor in the update. Products run in torch's BLAS on one thread, where the
order of every sum depends on the shapes alone, so a row stays a function of its experiment.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pruning.protocol import Snapshot
from search.layers import Layers, interleaved
from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.simd import aligned_zeros
from workers.step_schedule import StepSchedule


@compiled
def _gather(points, labels, order, first, inputs, targets):  # type: ignore[no-untyped-def]
    """Write points order[first : first + batch] as columns: float32 [features, batch], [batch]."""
    for column in range(inputs.shape[1]):
        point = order[first + column]
        for feature in range(inputs.shape[0]):
            inputs[feature, column] = points[point, feature]
        targets[column] = labels[point]


@compiled
def _add_bias_relu(values, bias):  # type: ignore[no-untyped-def]
    """Replace values, float32 [neurons, batch], by relu(values + bias); NaN stays NaN."""
    for neuron in range(values.shape[0]):
        shift = bias[neuron]
        for column in range(values.shape[1]):
            value = values[neuron, column] + shift
            values[neuron, column] = np.float32(0) if value <= np.float32(0) else value


@compiled
def _loss_delta(logits, bias, targets, scale):  # type: ignore[no-untyped-def]
    """Replace logits of one output, float32 [1, batch], by the derivatives of the mean loss."""
    for column in range(logits.shape[1]):
        logit = logits[0, column] + bias[0]
        probability = np.float32(1) / (np.float32(1) + np.exp(-logit))
        logits[0, column] = (probability - targets[column]) * scale


@compiled
def _softmax_deltas(logits, bias, targets, scale):  # type: ignore[no-untyped-def]
    """Replace logits, float32 [classes, batch], by the derivatives of the mean loss."""
    for column in range(logits.shape[1]):
        largest = np.float32(-np.inf)
        for k in range(logits.shape[0]):
            logits[k, column] += bias[k]
            largest = max(largest, logits[k, column])
        total = np.float32(0)
        for k in range(logits.shape[0]):
            power = np.exp(logits[k, column] - largest)
            logits[k, column] = power
            total += power
        for k in range(logits.shape[0]):
            target = np.float32(targets[column] == k)
            logits[k, column] = (logits[k, column] / total - target) * scale


@compiled
def _through_relu(deltas, activations):  # type: ignore[no-untyped-def]
    """Set deltas, float32 [neurons, batch], to zero where the activation is zero."""
    for neuron in range(deltas.shape[0]):
        for column in range(deltas.shape[1]):
            if activations[neuron, column] <= np.float32(0):
                deltas[neuron, column] = np.float32(0)


@compiled
def _descend(parameters, velocities, gradient, kept, rate, momentum, decay):  # type: ignore[no-untyped-def]
    """Apply SGD with momentum in place, float32 [parameters]; `kept` is 0 where masked, else 1."""
    for i in range(parameters.shape[0]):
        slope = gradient[i] + decay * parameters[i]
        velocity = (momentum * velocities[i] + slope) * kept[i]
        velocities[i] = velocity
        parameters[i] -= rate * velocity


class Flat:
    """One number per parameter, as one array and as (weight, bias) views per layer."""

    def __init__(self, layers: Layers | None, shapes: list[tuple[int, int]]) -> None:
        self.values = aligned_zeros(sum(rows * (columns + 1) for rows, columns in shapes))
        self.layers = interleaved(self.values, shapes)
        for view, numbers in zip(self.layers, layers or [], strict=False):
            view[0][...], view[1][...] = numbers


class DenseGradient:
    """Computes the gradient of one network's mean loss over batches by matrix products.

    Attributes:
        parameters: a copy of the network's, which may be changed between batches.
        gradient: the gradient of the last batch.
    """

    def __init__(self, layers: Layers, dataset: Dataset, batch_size: int) -> None:
        shapes = [(weight.shape[0], weight.shape[1]) for weight, _ in layers]
        self.parameters, self.gradient = Flat(layers, shapes), Flat(None, shapes)
        self._dataset, self._batch_size = dataset, batch_size
        self._scale = np.float32(1) / np.float32(batch_size)
        self._targets = np.empty(batch_size, np.float32)
        # Activations of every layer, inputs first; those of the last one are the logits, later
        # replaced by their deltas.
        neurons = [shapes[0][1], *(rows for rows, _ in shapes)]
        self._rows = [aligned_zeros(n * batch_size).reshape(n, batch_size) for n in neurons]
        self._slopes = [aligned_zeros(n * batch_size).reshape(n, batch_size) for n in neurons]
        self._slopes[-1] = self._rows[-1]
        # torch's views, created once: creating one costs as much as a small product.
        self._weights = [torch.from_numpy(weight) for weight, _ in self.parameters.layers]
        self._transposed = [weight.T for weight in self._weights]
        self._gradients = [
            (torch.from_numpy(w), torch.from_numpy(b)) for w, b in self.gradient.layers
        ]
        self._values = [torch.from_numpy(rows) for rows in self._rows]
        self._deltas = [torch.from_numpy(slopes) for slopes in self._slopes]
        self._values_transposed = [value.T for value in self._values]
        self._ones = torch.ones(batch_size)
        self._last = len(shapes) - 1
        self._loss_deltas = _loss_delta if shapes[-1][0] == 1 else _softmax_deltas

    def compute(self, order: NDArray[np.uint32], step: int) -> None:
        """Write the gradient for the batch of a step, in `torch.inference_mode`.

        `order`, uint32 [N], is that of the points in the epoch; steps are counted from 0.
        """
        data, first = self._dataset, step * self._batch_size
        rows, last = self._rows, self._last
        _gather(data.points, data.labels, order, first, rows[0], self._targets)
        for layer in range(last):
            torch.mm(self._weights[layer], self._values[layer], out=self._values[layer + 1])
            _add_bias_relu(rows[layer + 1], self.parameters.layers[layer][1])
        torch.mm(self._weights[last], self._values[last], out=self._values[last + 1])
        bias = self.parameters.layers[last][1]
        self._loss_deltas(rows[last + 1], bias, self._targets, self._scale)
        for layer in range(last, -1, -1):
            delta, gradient = self._deltas[layer + 1], self._gradients[layer]
            torch.mm(delta, self._values_transposed[layer], out=gradient[0])
            torch.mv(delta, self._ones, out=gradient[1])
            if layer:
                torch.mm(self._transposed[layer], delta, out=self._deltas[layer])
                _through_relu(self._slopes[layer], rows[layer])


def train_dense(
    network: Snapshot, schedule: StepSchedule, first: int, last: int, rate: float | None = None
) -> Snapshot:
    """Return a network after the steps [first, last), trained by matrix products.

    The steps are those of `workers.kernel.sgd.train_steps` (docs/paper.md, section 3), with sums in
    another order. Without `rate` it is the schedule's. The masks are the same.
    """
    experiment = schedule.experiment
    dense = DenseGradient(network.layers, schedule.dataset, experiment.batch_size)
    shapes = [(weight.shape[0], weight.shape[1]) for weight, _ in network.layers]
    velocities = Flat(network.velocities, shapes)
    masks = zip(network.weight_masks, network.bias_masks, strict=True)
    kept = Flat([(w.astype(np.float32), b.astype(np.float32)) for w, b in masks], shapes)
    with torch.inference_mode():
        for part in schedule.slices(first, last, rate):
            for step in range(part.first_step, part.last_step):
                dense.compute(part.order, step)
                _descend(
                    dense.parameters.values,
                    velocities.values,
                    dense.gradient.values,
                    kept.values,
                    np.float32(part.rate),
                    np.float32(experiment.momentum),
                    np.float32(experiment.weight_decay),
                )
    return replace(network, layers=dense.parameters.layers, velocities=velocities.layers)
