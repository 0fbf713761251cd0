"""The increase of the loss when a weight is removed, for every weight of a network.

Removing the weight w from unit j to neuron i sets w = 0 and b_i += w * mean(h_j), which keeps the
mean of the neuron's weighted sum z_i. The change of that sum is d = -w * (h_j - mean(h_j)), and the
new loss is exact if d is propagated through the network. Its second-order expansion in z_i is

    mean(g * d + c * d^2 / 2)

with g the derivative of a point's loss in z_i and c the Gauss-Newton approximation of its second
derivative. With one logit, c = p * (1 - p) * (dlogit / dz_i)^2, where p is the predicted
probability; with one logit per class, c = sum_k p_k * s_k^2 - (sum_k p_k * s_k)^2, where s_k is the
derivative of class k's logit in z_i. The expansion of all weights takes a backward pass per logit.

Everything is float64, summed in a fixed order and without the C library's exponential, whose last
bit depends on the processor: a row's bits follow from its choices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.compilation import compiled

Floats = NDArray[np.float64]

LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
"""The natural logarithm of 2 as a sum whose first part has trailing zeros (fdlibm)."""

_POWERS = 2.0 ** -np.arange(1024)
"""Element k is 2^-k."""

FACTORS = 256
"""Number of factors from 1 to 2 whose product is formed before its logarithm is taken."""

LARGEST_PRODUCT = 1e200
"""A product of factors from 1 to the number of classes above which its logarithm is taken."""


class Unrolled:
    """A network as lists of neurons and weights, with the activations of a sample of points.

    Neurons are numbered from the inputs to the outputs, and weights are sorted by target and
    source.

    Args:
        layers: (weight float64 [n_out, n_in], bias float64 [n_out]) per layer, input side first.
        masks: bool [n_out, n_in] per layer, True where a weight is kept.
        points: float64 [points, features].
        labels: float64 [points], class numbers.
    """

    def __init__(
        self,
        layers: Sequence[tuple[Floats, Floats]],
        masks: Sequence[NDArray[np.bool_]],
        points: Floats,
        labels: Floats,
    ) -> None:
        inputs = points.shape[1]
        self._masks = masks
        self._labels = labels
        self._starts = np.cumsum([0, inputs, *(len(bias) for _, bias in layers)])
        neurons = int(self._starts[-1])
        self._outputs = int(self._starts[-1] - self._starts[-2])
        self._first = np.zeros(neurons + 1, np.int64)
        np.cumsum(np.concatenate([mask.sum(1) for mask in masks]), out=self._first[inputs + 1 :])
        sources = zip(masks, self._starts[:-1], strict=False)
        self._source = np.concatenate([np.nonzero(mask)[1] + start for mask, start in sources])
        weights = zip(layers, masks, strict=True)
        self._weight = np.concatenate([weight[mask] for (weight, _), mask in weights])
        self._biases = np.concatenate([np.zeros(inputs), *(bias for _, bias in layers)])
        self._sums = np.empty((neurons, len(points)))
        self._values = np.empty_like(self._sums)
        self._values[:inputs] = points.T
        self._means = np.empty(neurons)
        _forward(*self._network, self._biases, inputs, self._sums, self._values, self._means)

    @property
    def _network(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        return self._first, self._source, self._weight

    def means(self, layer: int) -> Floats:
        """Return the mean values of a layer's sources over the points, float64 [n_in]."""
        return self._means[self._starts[layer] : self._starts[layer + 1]]

    def loss(self) -> float:
        """Return the mean loss."""
        logits = self._sums[-self._outputs :]
        if self._outputs == 1:
            return float(_binary_loss(logits[0], logits[0], False, self._labels))
        unchanged = np.zeros(self._outputs, np.bool_)
        return float(_softmax_loss(logits, logits, unchanged, self._labels))

    def losses(self) -> list[Floats]:
        """Return the mean loss without each weight; shapes of the weights, infinite if masked."""
        out = np.empty(len(self._weight))
        changes = np.zeros_like(self._sums)
        changed = np.zeros(len(self._sums), np.bool_)
        activations = self._sums, self._values, self._means
        _losses(*self._network, *activations, self._labels, self._outputs, changes, changed, out)
        return self._by_layer(out)

    def neuron_losses(self) -> list[Floats]:
        """Return the mean loss with each hidden neuron at its mean value, [n_out] per layer."""
        inputs = int(self._starts[1])
        out = np.empty(len(self._sums) - inputs - self._outputs)
        changes = np.zeros_like(self._sums)
        changed = np.zeros(len(self._sums), np.bool_)
        activations = self._sums, self._values, self._means
        counts = self._outputs, inputs
        _neuron_losses(*self._network, *activations, self._labels, *counts, changes, changed, out)
        return np.split(out, self._starts[2:-2] - inputs)

    def expansions(self) -> list[Floats]:
        """Return the expansion of the loss increase; shapes of the weights, infinite if masked."""
        out = np.empty(len(self._weight))
        activations = self._sums, self._values, self._means
        if self._outputs == 1:
            slopes = np.zeros_like(self._sums)
            errors = np.empty((2, len(self._labels)))
            _expansions(*self._network, *activations, self._labels, slopes, errors, out)
        else:
            slopes = np.zeros((self._outputs, *self._sums.shape))
            errors = np.empty((self._outputs, len(self._labels)))
            _softmax_expansions(*self._network, *activations, self._labels, slopes, errors, out)
        return self._by_layer(out)

    def _by_layer(self, values: Floats) -> list[Floats]:
        layers = []
        for mask in self._masks:
            weights = int(np.count_nonzero(mask))
            layer = np.full(mask.shape, np.inf)
            layer[mask], values = values[:weights], values[weights:]
            layers.append(layer)
        return layers


@compiled
def _forward(first, source, weight, biases, inputs, sums, values, means):  # type: ignore[no-untyped-def]
    """Compute weighted sums [neurons, points], values [neurons, points] and mean values [neurons].

    Args:
        first: int64 [neurons + 1], index of the first weight of each neuron.
        source: int64 [weights], neuron that the weight comes from.
        weight: float64 [weights].
        biases: float64 [neurons]; 0 for inputs.
        inputs: number of inputs.
        sums: the output; not defined for inputs.
        values: values of the inputs; those of the other neurons are written.
        means: the output.
    """
    neurons, points = values.shape
    for n in range(neurons):
        if n >= inputs:
            for s in range(points):
                sums[n, s] = biases[n]
            for e in range(first[n], first[n + 1]):
                for s in range(points):
                    sums[n, s] += weight[e] * values[source[e], s]
            for s in range(points):
                values[n, s] = max(sums[n, s], 0.0)
        mean = 0.0
        for s in range(points):
            mean += values[n, s]
        means[n] = mean / points


@compiled
def exp_minus(x):  # type: ignore[no-untyped-def]
    """Return exp(-x) for x >= 0, and 0 for NaN."""
    if not x < 700.0:
        return 0.0
    k = int(x / LN2_HIGH + 0.5)
    r = (k * LN2_HIGH - x) + k * LN2_LOW
    # The Taylor series: |r| <= 0.35, and r^13 / 13! < 2e-16.
    series = 1.0
    for n in range(12, 0, -1):
        series = 1.0 + series * r / n
    return series * _POWERS[k]


@compiled
def _losses(  # type: ignore[no-untyped-def]
    first, source, weight, sums, values, means, labels, outputs, changes, changed, out
):
    """Compute the mean loss without each weight.

    Args:
        first: int64 [neurons + 1], index of the first weight of each neuron.
        source: int64 [weights], neuron that the weight comes from.
        weight: float64 [weights].
        sums: float64 [neurons, points], weighted sums from `_forward`.
        values: float64 [neurons, points], values from `_forward`.
        means: float64 [neurons], mean values from `_forward`.
        labels: float64 [points].
        outputs: number of outputs.
        changes: zeros [neurons, points], for the changes of values.
        changed: bool [neurons], for the neurons whose values change.
        out: float64 [weights], the output.
    """
    neurons, points = values.shape
    hidden = neurons - outputs
    for target in range(neurons):
        for removed in range(first[target], first[target + 1]):
            changed[:] = False
            for s in range(points):
                centred = values[source[removed], s] - means[source[removed]]
                changes[target, s] = -weight[removed] * centred
            changed[target] = True
            if target < hidden:
                _rectify(sums[target], values[target], changes[target])
            out[removed] = _changed_loss(
                first, source, weight, sums, values, labels, outputs, target, changes, changed
            )


@compiled
def _neuron_losses(  # type: ignore[no-untyped-def]
    first, source, weight, sums, values, means, labels, outputs, inputs, changes, changed, out
):
    """Compute the mean loss with each hidden neuron at its mean value.

    Args:
        first: as for `_losses`; so are `source` to `outputs`, `changes` and `changed`.
        source: int64 [weights].
        weight: float64 [weights].
        sums: float64 [neurons, points].
        values: float64 [neurons, points].
        means: float64 [neurons].
        labels: float64 [points].
        outputs: number of outputs.
        inputs: number of inputs.
        changes: zeros [neurons, points].
        changed: bool [neurons].
        out: float64 [hidden neurons], the output.
    """
    neurons, points = values.shape
    for removed in range(inputs, neurons - outputs):
        changed[:] = False
        for s in range(points):
            changes[removed, s] = means[removed] - values[removed, s]
        changed[removed] = True
        out[removed - inputs] = _changed_loss(
            first, source, weight, sums, values, labels, outputs, removed, changes, changed
        )


@compiled
def _rectify(sums, values, changes):  # type: ignore[no-untyped-def]
    """Replace the changes of a neuron's weighted sums, [points], by those of its values."""
    for s in range(len(values)):
        changes[s] = max(sums[s] + changes[s], 0.0) - values[s]


@compiled
def _changed_loss(  # type: ignore[no-untyped-def]
    first, source, weight, sums, values, labels, outputs, last, changes, changed
):
    """Return the mean loss after a change of one neuron's values.

    Args:
        first: as for `_losses`; so are `source` to `outputs`.
        source: int64 [weights].
        weight: float64 [weights].
        sums: float64 [neurons, points].
        values: float64 [neurons, points].
        labels: float64 [points].
        outputs: number of outputs.
        last: the neuron, after which the changes are not known.
        changes: float64 [neurons, points]; those of the other neurons are written.
        changed: bool [neurons], for the neurons whose values change; initially `last` alone.
    """
    neurons, points = values.shape
    hidden = neurons - outputs
    for n in range(last + 1, neurons):
        for e in range(first[n], first[n + 1]):
            if not changed[source[e]]:
                continue
            if not changed[n]:
                changed[n] = True
                changes[n, :] = 0.0
            for s in range(points):
                changes[n, s] += weight[e] * changes[source[e], s]
        if changed[n] and n < hidden:
            _rectify(sums[n], values[n], changes[n])
    if outputs == 1:
        return _binary_loss(sums[hidden], changes[hidden], changed[hidden], labels)
    return _softmax_loss(sums[hidden:], changes[hidden:], changed[hidden:], labels)


@compiled
def _binary_loss(logits, changes, changed, labels):  # type: ignore[no-untyped-def]
    """Return the mean binary cross-entropy of logits [points], with changes if `changed`."""
    points = len(logits)
    total = 0.0
    product = 1.0
    for s in range(points):
        logit = logits[s] + (changes[s] if changed else 0.0)
        total += max(logit, 0.0) - logit * labels[s]
        product *= 1.0 + exp_minus(abs(logit))
        if s % FACTORS == FACTORS - 1:
            total += np.log(product)
            product = 1.0
    return (total + np.log(product)) / points


@compiled
def _softmax_loss(logits, changes, changed, labels):  # type: ignore[no-untyped-def]
    """Return the mean cross-entropy of logits float64 [classes, points], with changes if `changed`.

    `changed` is bool [classes].
    """
    classes, points = logits.shape
    total = 0.0
    product = 1.0
    for s in range(points):
        largest = -np.inf
        own = 0.0
        for k in range(classes):
            logit = logits[k, s] + (changes[k, s] if changed[k] else 0.0)
            largest = max(largest, logit)
            if k == labels[s]:
                own = logit
        powers = 0.0
        for k in range(classes):
            logit = logits[k, s] + (changes[k, s] if changed[k] else 0.0)
            powers += exp_minus(largest - logit)
        total += largest - own
        product *= powers
        if product > LARGEST_PRODUCT:
            total += np.log(product)
            product = 1.0
    return (total + np.log(product)) / points


@compiled
def _expansions(  # type: ignore[no-untyped-def]
    first, source, weight, sums, values, means, labels, slopes, errors, out
):
    """Compute the second-order expansion of the loss increase without each weight.

    Args:
        first: int64 [neurons + 1], index of the first weight of each neuron.
        source: int64 [weights], neuron that the weight comes from.
        weight: float64 [weights].
        sums: float64 [neurons, points], weighted sums from `_forward`.
        values: float64 [neurons, points], values from `_forward`.
        means: float64 [neurons], mean values from `_forward`.
        labels: float64 [points].
        slopes: zeros [neurons, points], for the derivatives of the logit.
        errors: float64 [2, points], for the derivatives of the loss in the logit.
        out: float64 [weights], the output.
    """
    neurons, points = values.shape
    last = neurons - 1
    for s in range(points):
        power = exp_minus(abs(sums[last, s]))
        smaller = power / (1.0 + power)
        probability = 1.0 - smaller if sums[last, s] > 0.0 else smaller
        errors[0, s] = probability - labels[s]
        errors[1, s] = probability * (1.0 - probability)
        slopes[last, s] = 1.0
    for n in range(last, -1, -1):
        if first[n] == first[n + 1]:
            continue
        if n < last:
            for s in range(points):
                if not sums[n, s] > 0.0:
                    slopes[n, s] = 0.0
        for e in range(first[n], first[n + 1]):
            j = source[e]
            linear = 0.0
            square = 0.0
            for s in range(points):
                d = slopes[n, s] * (values[j, s] - means[j])
                linear += errors[0, s] * d
                square += errors[1, s] * d * d
            out[e] = (weight[e] * weight[e] * square / 2.0 - weight[e] * linear) / points
            for s in range(points):
                slopes[j, s] += weight[e] * slopes[n, s]


@compiled
def _softmax_expansions(  # type: ignore[no-untyped-def]
    first, source, weight, sums, values, means, labels, slopes, errors, out
):
    """Compute the same for a network with one output per class.

    Args:
        first: as for `_expansions`.
        source: as for `_expansions`.
        weight: as for `_expansions`.
        sums: as for `_expansions`.
        values: as for `_expansions`.
        means: as for `_expansions`.
        labels: as for `_expansions`.
        slopes: zeros [classes, neurons, points], for the derivatives of each logit.
        errors: float64 [classes, points], for the predicted probabilities.
        out: float64 [weights], the output.
    """
    classes, neurons, points = slopes.shape
    hidden = neurons - classes
    for s in range(points):
        largest = sums[hidden, s]
        for k in range(1, classes):
            largest = max(largest, sums[hidden + k, s])
        total = 0.0
        for k in range(classes):
            errors[k, s] = exp_minus(largest - sums[hidden + k, s])
            total += errors[k, s]
        for k in range(classes):
            errors[k, s] /= total
            slopes[k, hidden + k, s] = 1.0
    for n in range(neurons - 1, -1, -1):
        if first[n] == first[n + 1]:
            continue
        if n < hidden:
            for s in range(points):
                if not sums[n, s] > 0.0:
                    slopes[:, n, s] = 0.0
        for e in range(first[n], first[n + 1]):
            j = source[e]
            linear = 0.0
            square = 0.0
            for s in range(points):
                centred = values[j, s] - means[j]
                mean = 0.0
                for k in range(classes):
                    d = slopes[k, n, s] * centred
                    weighted = errors[k, s] * d
                    mean += weighted
                    square += weighted * d
                    if k == labels[s]:
                        linear -= d
                linear += mean
                square -= mean * mean
            out[e] = (weight[e] * weight[e] * square / 2.0 - weight[e] * linear) / points
            for k in range(classes):
                for s in range(points):
                    slopes[k, j, s] += weight[e] * slopes[k, n, s]
