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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.compilation import compiled
from search.layers import MaskArrays

Floats = NDArray[np.float64]

LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
"""The natural logarithm of 2 as a sum whose first part has trailing zeros (fdlibm)."""

_POWERS = 2.0 ** -np.arange(1024)
"""Element k is 2^-k."""

LARGEST_EXPONENT = 700.0
"""Arguments of `exp_minus` from which it returns 0, so that no result is subnormal."""

FACTORS = 256
"""Number of factors from 1 to 2 whose product is formed before its logarithm is taken.

It is also the number of points after which a loss is compared with the largest that is needed.
"""

LARGEST_PRODUCT = 1e200
"""A product of factors from 1 to the number of classes above which its logarithm is taken."""


class Activations(NamedTuple):
    """A network as lists of neurons and weights, with a sample of points, for compiled functions.

    Attributes:
        first: int64 [neurons + 1], index of the first weight of each neuron.
        source: int64 [weights], neuron that the weight comes from.
        weight: float64 [weights].
        sums: float64 [neurons, points], weighted sums; not defined for inputs.
        values: float64 [neurons, points].
        means: float64 [neurons], mean values.
        labels: float64 [points], class numbers.
    """

    first: NDArray[np.int64]
    source: NDArray[np.int64]
    weight: Floats
    sums: Floats
    values: Floats
    means: Floats
    labels: Floats


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
        masks: MaskArrays,
        points: Floats,
        labels: Floats,
    ) -> None:
        inputs = points.shape[1]
        self._masks = [mask.copy() for mask in masks]
        self._starts = np.cumsum([0, inputs, *(len(bias) for _, bias in layers)])
        neurons = int(self._starts[-1])
        self._outputs = int(self._starts[-1] - self._starts[-2])
        first = np.zeros(neurons + 1, np.int64)
        np.cumsum(np.concatenate([mask.sum(1) for mask in masks]), out=first[inputs + 1 :])
        sources = zip(masks, self._starts[:-1], strict=False)
        weights = zip(layers, masks, strict=True)
        self._biases = np.concatenate([np.zeros(inputs), *(bias for _, bias in layers)])
        self._network = Activations(
            first,
            np.concatenate([np.nonzero(mask)[1] + start for mask, start in sources]),
            np.concatenate([weight[mask] for (weight, _), mask in weights]),
            sums=np.empty((neurons, len(points))),
            values=np.empty((neurons, len(points))),
            means=np.empty(neurons),
            labels=labels,
        )
        self._network.values[:inputs] = points.T
        _forward(self._network, self._biases, inputs)

    def means(self, layer: int) -> Floats:
        """Return the mean values of a layer's sources over the points, float64 [n_in]."""
        return self._network.means[self._starts[layer] : self._starts[layer + 1]]

    def loss(self) -> float:
        """Return the mean loss."""
        last = len(self._network.sums) - 1
        return float(_changed_loss(self._network, self._outputs, last, *self._changes(), np.inf))

    def losses(self, count: int | None = None) -> list[Floats]:
        """Return the mean loss without each weight; shapes of the weights, infinite if masked.

        With `count`, losses that are not among the `count` smallest can be infinite, too.
        """
        out = np.full(len(self._network.weight), np.inf)
        needed = len(out) if count is None else min(count, len(out))
        _losses(self._network, self._outputs, needed, *self._changes(), out)
        return self._by_layer(out)

    def neuron_losses(self) -> list[Floats]:
        """Return the mean loss with each hidden neuron at its mean value, [n_out] per layer."""
        inputs = int(self._starts[1])
        out = np.empty(len(self._network.sums) - inputs - self._outputs)
        _neuron_losses(self._network, self._outputs, inputs, *self._changes(), out)
        return np.split(out, self._starts[2:-2] - inputs)

    def expansions(self) -> list[Floats]:
        """Return the expansion of the loss increase; shapes of the weights, infinite if masked."""
        network = self._network
        out = np.empty(len(network.weight))
        if self._outputs == 1:
            slopes, errors = np.zeros_like(network.sums), np.empty((2, len(network.labels)))
            _expansions(network, slopes, errors, out)
        else:
            slopes = np.zeros((self._outputs, *network.sums.shape))
            errors = np.empty((self._outputs, len(network.labels)))
            _softmax_expansions(network, slopes, errors, out)
        return self._by_layer(out)

    def _changes(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Return memory for changes of values, and for which neurons have any."""
        sums = self._network.sums
        return np.zeros_like(sums), np.zeros(len(sums), np.bool_)

    def _by_layer(self, values: Floats) -> list[Floats]:
        layers = []
        for mask in self._masks:
            weights = int(np.count_nonzero(mask))
            layer = np.full(mask.shape, np.inf)
            layer[mask], values = values[:weights], values[weights:]
            layers.append(layer)
        return layers


@compiled
def _forward(network, biases, inputs):  # type: ignore[no-untyped-def]
    """Compute weighted sums, values except those of inputs, and means; float64 biases [neurons]."""
    first, source, weight, sums, values, means, _ = network
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
    if not x < LARGEST_EXPONENT:
        return 0.0
    return _series(x)[0] * _POWERS[int(x / LN2_HIGH + 0.5)]


@compiled
def _series(x):  # type: ignore[no-untyped-def]
    """Return s and the bits of a power of 2 whose product is exp(-x), for 0 <= x < 700.

    Other arguments count as 700.
    """
    x = x if x < LARGEST_EXPONENT else LARGEST_EXPONENT
    k = int(x / LN2_HIGH + 0.5)
    r = (k * LN2_HIGH - x) + k * LN2_LOW
    # The Taylor series: |r| <= 0.35, and r^13 / 13! < 2e-16.
    series = 1.0
    for n in range(12, 0, -1):
        series = 1.0 + series * r / n
    return series, (1023 - k) << 52


@compiled
def _exponentials(x, out):  # type: ignore[no-untyped-def]
    """Write `exp_minus` of every x, [points], with the same bits; these loops are vectorised."""
    exponents = np.empty(len(x), np.int64)
    for s in range(len(x)):
        out[s], exponents[s] = _series(x[s])
    powers = exponents.view(np.float64)
    for s in range(len(x)):
        out[s] = out[s] * powers[s] if x[s] < LARGEST_EXPONENT else 0.0


@compiled
def write_probabilities(logits, probabilities):  # type: ignore[no-untyped-def]
    """Write the softmax of logits, float64 [classes, points] both."""
    classes, points = logits.shape
    for s in range(points):
        largest = logits[0, s]
        for k in range(1, classes):
            largest = max(largest, logits[k, s])
        total = 0.0
        for k in range(classes):
            probabilities[k, s] = exp_minus(largest - logits[k, s])
            total += probabilities[k, s]
        for k in range(classes):
            probabilities[k, s] /= total


@compiled
def _losses(network, outputs, needed, changes, changed, out):  # type: ignore[no-untyped-def]
    """Compute the mean loss without each weight, but leave those infinite that are not needed.

    Args:
        network: the network with its activations.
        outputs: number of outputs.
        needed: number of smallest losses that are needed, up to the number of weights.
        changes: float64 [neurons, points], zeros, for the changes of values.
        changed: bool [neurons], for the neurons whose values change.
        out: float64 [weights], infinite; the output.
    """
    first, source, weight, sums, values, means, _ = network
    neurons, points = values.shape
    hidden = neurons - outputs
    for target in range(neurons):
        for removed in range(first[target], first[target + 1]):
            for s in range(points):
                centred = values[source[removed], s] - means[source[removed]]
                changes[target, s] = -weight[removed] * centred
            if target < hidden:
                _rectify(sums[target], values[target], changes[target])
            limit = np.partition(out, needed - 1)[needed - 1]
            out[removed] = _changed_loss(network, outputs, target, changes, changed, limit)


@compiled
def _neuron_losses(network, outputs, inputs, changes, changed, out):  # type: ignore[no-untyped-def]
    """Compute the mean loss with each hidden neuron at its mean value, float64 [hidden neurons].

    The other arguments are those of `_losses`.
    """
    values, means = network.values, network.means
    neurons, points = values.shape
    for removed in range(inputs, neurons - outputs):
        for s in range(points):
            changes[removed, s] = means[removed] - values[removed, s]
        out[removed - inputs] = _changed_loss(network, outputs, removed, changes, changed, np.inf)


@compiled
def _rectify(sums, values, changes):  # type: ignore[no-untyped-def]
    """Replace the changes of a neuron's weighted sums, [points], by those of its values."""
    for s in range(len(values)):
        changes[s] = max(sums[s] + changes[s], 0.0) - values[s]


@compiled
def _changed_loss(network, outputs, last, changes, changed, limit):  # type: ignore[no-untyped-def]
    """Return the mean loss after a change of one neuron's values; infinity if it exceeds `limit`.

    The changes of the neuron `last` are given; those of the neurons after it are written. The other
    arguments are those of `_losses`.
    """
    first, source, weight, sums, values, _, labels = network
    neurons, points = values.shape
    hidden = neurons - outputs
    changed[:] = False
    changed[last] = True
    for n in range(last + 1, neurons):
        for e in range(first[n], first[n + 1]):
            changed[n] = changed[n] or changed[source[e]]
    total = 0.0
    product = 1.0
    for start in range(0, points, FACTORS):
        block = slice(start, min(start + FACTORS, points))
        for n in range(last + 1, neurons):
            if not changed[n]:
                continue
            own = changes[n, block]
            own[:] = 0.0
            for e in range(first[n], first[n + 1]):
                if changed[source[e]]:
                    theirs = changes[source[e], block]
                    for s in range(len(own)):
                        own[s] += weight[e] * theirs[s]
            if n < hidden:
                _rectify(sums[n, block], values[n, block], own)
        if outputs == 1:
            logit, shift = sums[hidden, block], changes[hidden, block]
            total = _add_binary(logit, shift, changed[hidden], labels[block], total)
        else:
            logits, shifts = sums[hidden:, block], changes[hidden:, block]
            total, product = _add_softmax(
                logits, shifts, changed[hidden:], labels[block], total, product
            )
        # No term is negative, so the mean of all of them is not smaller.
        if total / points > limit:
            return np.inf
    return (total + np.log(product)) / points


@compiled
def _add_binary(logits, changes, changed, labels, total):  # type: ignore[no-untyped-def]
    """Return `total` plus the binary cross-entropy of up to `FACTORS` points.

    Logits and their changes, which are added if `changed`, are float64 [points].
    """
    points = len(logits)
    terms = np.empty(points)
    magnitudes = np.empty(points)
    powers = np.empty(points)
    for s in range(points):
        logit = logits[s] + (changes[s] if changed else 0.0)
        terms[s] = max(logit, 0.0) - logit * labels[s]
        magnitudes[s] = abs(logit)
    _exponentials(magnitudes, powers)
    product = 1.0
    for s in range(points):
        total += terms[s]
        product *= 1.0 + powers[s]
    return total + np.log(product)


@compiled
def _add_softmax(logits, changes, changed, labels, total, product):  # type: ignore[no-untyped-def]
    """Add the cross-entropy of some points to a sum; return its new `total` and `product`.

    The sum is total + log(product). Logits and their changes are float64 [classes, points];
    `changed` is bool [classes].
    """
    classes, points = logits.shape
    largest = np.full(points, -np.inf)
    own = np.zeros(points)
    differences = np.empty(points)
    powers = np.empty(points)
    sums = np.zeros(points)
    for k in range(classes):
        for s in range(points):
            logit = logits[k, s] + (changes[k, s] if changed[k] else 0.0)
            largest[s] = max(largest[s], logit)
            if k == labels[s]:
                own[s] = logit
    for k in range(classes):
        for s in range(points):
            logit = logits[k, s] + (changes[k, s] if changed[k] else 0.0)
            differences[s] = largest[s] - logit
        _exponentials(differences, powers)
        for s in range(points):
            sums[s] += powers[s]
    for s in range(points):
        total += largest[s] - own[s]
        product *= sums[s]
        if product > LARGEST_PRODUCT:
            total += np.log(product)
            product = 1.0
    return total, product


@compiled
def _expansions(network, slopes, errors, out):  # type: ignore[no-untyped-def]
    """Compute the second-order expansion of the loss increase without each weight.

    Args:
        network: the network with its activations.
        slopes: zeros [neurons, points], for the derivatives of the logit.
        errors: float64 [2, points], for the derivatives of the loss in the logit.
        out: float64 [weights], the output.
    """
    first, source, weight, sums, values, means, labels = network
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
def _softmax_expansions(network, slopes, errors, out):  # type: ignore[no-untyped-def]
    """Compute the same for a network with one output per class.

    The slopes are zeros [classes, neurons, points], the errors [classes, points], for the predicted
    probabilities.
    """
    first, source, weight, sums, values, means, labels = network
    classes, neurons, points = slopes.shape
    hidden = neurons - classes
    write_probabilities(sums[hidden:], errors)
    for k in range(classes):
        slopes[k, hidden + k, :] = 1.0
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
