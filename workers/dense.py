"""Training of a wide, mostly dense network by matrix products.

A weight costs the sparse kernel about three times what it costs in a matrix product, so wide and
mostly dense networks are trained here, one at a time. Masked weights take part in the products and
are kept at zero by a factor in the update. Products run in torch's BLAS on one thread, where the
order of every sum depends on the shapes alone, so a row stays a function of its experiment.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from pruning.protocol import Snapshot
from search.layers import Layer, Layers
from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.simd import aligned_zeros
from workers.step_schedule import EpochSlice


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


class _Flat:
    """One number per parameter, as one array and as (weight, bias) views per layer."""

    def __init__(self, layers: Layers | None, shapes: list[tuple[int, int]]) -> None:
        self.values = aligned_zeros(sum(rows * (columns + 1) for rows, columns in shapes))
        self.layers: list[Layer] = []
        start = 0
        for rows, columns in shapes:
            weight = self.values[start : start + rows * columns].reshape(rows, columns)
            start += rows * columns
            self.layers.append((weight, self.values[start : start + rows]))
            start += rows
        for view, numbers in zip(self.layers, layers or [], strict=False):
            view[0][...], view[1][...] = numbers


def train_dense(
    network: Snapshot,
    slices: Iterable[EpochSlice],
    dataset: Dataset,
    batch_size: int,
    momentum: float,
    weight_decay: float,
) -> Snapshot:
    """Train one network by matrix products (docs/paper.md, section 3).

    The steps are those of `workers.kernel.sgd.train_steps`, with sums in another order.

    Args:
        network: present parameters, velocities and masks; not modified.
        slices: steps to train, in order.
        dataset: data set to train on.
        batch_size: number of points in a step.
        momentum: momentum of SGD.
        weight_decay: decay of weights and biases, added to the gradient.

    Returns:
        The network after the last step, with the same masks.
    """
    shapes = [(weight.shape[0], weight.shape[1]) for weight, _ in network.layers]
    parameters, velocities = _Flat(network.layers, shapes), _Flat(network.velocities, shapes)
    gradient = _Flat(None, shapes)
    masks = zip(network.weight_masks, network.bias_masks, strict=True)
    kept = _Flat([(w.astype(np.float32), b.astype(np.float32)) for w, b in masks], shapes)
    scale = np.float32(1) / np.float32(batch_size)
    targets = np.empty(batch_size, np.float32)

    # Activations of every layer, inputs first; those of the last one are the logits, later replaced
    # by their deltas.
    neurons = [shapes[0][1], *(rows for rows, _ in shapes)]
    rows = [aligned_zeros(count * batch_size).reshape(count, batch_size) for count in neurons]
    slopes = [aligned_zeros(count * batch_size).reshape(count, batch_size) for count in neurons]
    slopes[-1] = rows[-1]
    # torch's views, created once: creating one costs as much as a small product.
    weights = [torch.from_numpy(weight) for weight, _ in parameters.layers]
    transposed = [weight.T for weight in weights]
    gradients = [(torch.from_numpy(w), torch.from_numpy(b)) for w, b in gradient.layers]
    values, deltas = [torch.from_numpy(r) for r in rows], [torch.from_numpy(s) for s in slopes]
    values_transposed = [value.T for value in values]
    ones = torch.ones(batch_size)
    last = len(shapes) - 1
    loss_deltas = _loss_delta if shapes[last][0] == 1 else _softmax_deltas
    with torch.inference_mode():
        for part in slices:
            for step in range(part.first_step, part.last_step):
                first = step * batch_size
                _gather(dataset.points, dataset.labels, part.order, first, rows[0], targets)
                for layer in range(last):
                    torch.mm(weights[layer], values[layer], out=values[layer + 1])
                    _add_bias_relu(rows[layer + 1], parameters.layers[layer][1])
                torch.mm(weights[last], values[last], out=values[last + 1])
                loss_deltas(rows[last + 1], parameters.layers[last][1], targets, scale)
                for layer in range(last, -1, -1):
                    delta = deltas[layer + 1]
                    torch.mm(delta, values_transposed[layer], out=gradients[layer][0])
                    torch.mv(delta, ones, out=gradients[layer][1])
                    if layer:
                        torch.mm(transposed[layer], delta, out=deltas[layer])
                        _through_relu(slopes[layer], rows[layer])
                _descend(
                    parameters.values,
                    velocities.values,
                    gradient.values,
                    kept.values,
                    np.float32(part.rate),
                    np.float32(momentum),
                    np.float32(weight_decay),
                )
    return Snapshot(parameters.layers, velocities.layers, network.weight_masks, network.bias_masks)
