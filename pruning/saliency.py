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

from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pruning.exponential import exp_minus, exponentials, write_probabilities
from search.compilation import compiled
from search.layers import by_layer

Floats = NDArray[np.float64]

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
        kept: bool [weights], which weights are kept, layer by layer, each row-major.
        weights: float64 [weights].
        biases: float64 [neurons without inputs].
        sizes: int64 [layers], number of neurons of each layer, inputs included.
        points: float64 [points, features].
        labels: float64 [points], class numbers.

    Attributes:
        places: int64 [kept weights], index of each kept weight among all weights.
        biases: float64 [neurons], zeros for inputs.
    """

    def __init__(
        self,
        kept: NDArray[np.bool_],
        weights: Floats,
        biases: Floats,
        sizes: NDArray[np.int64],
        points: Floats,
        labels: Floats,
    ) -> None:
        inputs, neurons = int(sizes[0]), int(sizes.sum())
        self._sizes, self._outputs = sizes, int(sizes[-1])
        self.biases = np.concatenate([np.zeros(inputs), biases])
        self.places = np.flatnonzero(kept)
        first, source = np.zeros(neurons + 1, np.int64), np.empty_like(self.places)
        _list_weights(self.places, sizes, first, source)
        self._network = Activations(
            first,
            source,
            weights[self.places],
            sums=np.empty((neurons, len(points))),
            values=np.empty((neurons, len(points))),
            means=np.empty(neurons),
            labels=labels,
        )
        self._network.values[:inputs] = points.T
        _forward(self._network, self.biases, inputs)

    @property
    def means(self) -> Floats:
        """The mean values of all neurons over the points, inputs included, float64 [neurons]."""
        return self._network.means

    def loss(self) -> float:
        """Return the mean loss."""
        last = len(self._network.sums) - 1
        return float(_changed_loss(self._network, self._outputs, last, *self._changes(), np.inf))

    def losses(self, count: int | None = None) -> Floats:
        """Return the mean loss without each kept weight, float64 [kept weights].

        With `count`, losses that are not among the `count` smallest can be infinite, too.
        """
        out = np.full(len(self._network.weight), np.inf)
        needed = len(out) if count is None else min(count, len(out))
        _losses(self._network, self._outputs, needed, *self._changes(), out)
        return out

    def neuron_losses(self) -> list[Floats]:
        """Return the mean loss with each hidden neuron at its mean value, [n_out] per layer."""
        inputs = int(self._sizes[0])
        out = np.empty(len(self._network.sums) - inputs - self._outputs)
        _neuron_losses(self._network, self._outputs, inputs, *self._changes(), out)
        return np.split(out, np.cumsum(self._sizes[1:-2]))

    def expansions(self) -> Floats:
        """Return the expansion of the loss increase without each kept weight, as in `losses`."""
        network = self._network
        out = np.empty(len(network.weight))
        if self._outputs == 1:
            slopes, errors = np.zeros_like(network.sums), np.empty((2, len(network.labels)))
            _expansions(network, slopes, errors, out)
        else:
            slopes = np.zeros((self._outputs, *network.sums.shape))
            errors = np.empty((self._outputs, len(network.labels)))
            _softmax_expansions(network, slopes, errors, out)
        return out

    def _changes(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Return memory for changes of values, and for which neurons have any."""
        sums = self._network.sums
        return np.zeros_like(sums), np.zeros(len(sums), np.bool_)

    def by_layer(self, values: Floats) -> list[Floats]:
        """Return values of the kept weights in the shapes of all weights, infinite if masked."""
        shapes = list(zip(self._sizes[1:].tolist(), self._sizes[:-1].tolist(), strict=True))
        every = np.full(sum(map(prod, shapes)), np.inf)
        every[self.places] = values
        return by_layer(every, shapes)


@compiled
def _list_weights(places, sizes, first, source):  # type: ignore[no-untyped-def]
    """Write `first` and `source` of `Activations`; sizes, int64 [layers], include the inputs."""
    layer, start, neurons, targets = 0, 0, 0, sizes[0]
    for e in range(len(places)):
        while places[e] >= start + sizes[layer] * sizes[layer + 1]:
            start += sizes[layer] * sizes[layer + 1]
            neurons, targets = targets, targets + sizes[layer + 1]
            layer += 1
        source[e] = neurons + (places[e] - start) % sizes[layer]
        first[targets + (places[e] - start) // sizes[layer] + 1] += 1
    for n in range(len(first) - 1):
        first[n + 1] += first[n]


@compiled
def _forward(network, biases, inputs):  # type: ignore[no-untyped-def]
    """Compute weighted sums, values except those of inputs, and means; float64 biases [neurons]."""
    first, source, weight, sums, values, means, _ = network
    neurons, points = values.shape
    for n in range(inputs, neurons):
        own = sums[n]
        own[:] = biases[n]
        for e in range(first[n], first[n + 1]):
            theirs = values[source[e]]
            for s in range(points):
                own[s] += weight[e] * theirs[s]
        for s in range(points):
            values[n, s] = max(own[s], 0.0)
    # Four neurons at a time, since each sum waits for its previous addition.
    last = neurons - 1
    for n in range(0, neurons, 4):
        n1, n2, n3 = min(n + 1, last), min(n + 2, last), min(n + 3, last)
        mean, mean1, mean2, mean3 = 0.0, 0.0, 0.0, 0.0
        for s in range(points):
            mean += values[n, s]
            mean1 += values[n1, s]
            mean2 += values[n2, s]
            mean3 += values[n3, s]
        means[n], means[n1] = mean / points, mean1 / points
        means[n2], means[n3] = mean2 / points, mean3 / points


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
    limit = np.inf
    for target in range(neurons):
        for removed in range(first[target], first[target + 1]):
            for s in range(points):
                centred = values[source[removed], s] - means[source[removed]]
                changes[target, s] = -weight[removed] * centred
            if target < hidden:
                _rectify(sums[target], values[target], changes[target])
            out[removed] = _changed_loss(network, outputs, target, changes, changed, limit)
            if out[removed] < limit:
                limit = np.partition(out, needed - 1)[needed - 1]


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
    exponentials(magnitudes, powers)
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
        exponentials(differences, powers)
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
