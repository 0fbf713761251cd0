"""The inverse of the Gauss-Newton matrix of the loss, in all weights and biases of a network.

The matrix is H = damping * I + mean over points of sum_k x_k x_k^T. With one logit, x is its
derivative in the parameters times sqrt(p * (1 - p)), where p is the predicted probability; with one
logit per class, x_k is sqrt(p_k) times the derivative of class k's logit minus the mean of all
classes' derivatives, weighted by p. Each vector x updates the inverse (Hassibi and Stork 1992, for
the squared error, where x is the derivative of an output; N is the number of points):

    H^-1  <-  H^-1 - (H^-1 x) (H^-1 x)^T / (N + x^T H^-1 x),    from H^-1 = I / damping

Everything is float64 and summed in a fixed order, as in `pruning.saliency`.
"""

from __future__ import annotations

import numpy as np

from pruning.exponential import exp_minus, write_probabilities
from pruning.saliency import Floats, Unrolled
from search.compilation import compiled


class Curved(Unrolled):
    """A network as in `pruning.saliency`, with the curvature of its loss.

    Parameters are the kept weights, sorted by target and source, and after them the biases of all
    neurons.
    """

    @property
    def parameters(self) -> Floats:
        """All parameters, float64 [parameters]."""
        return np.concatenate([self._network.weight, self.biases[self._sizes[0] :]])

    def inverse(self, damping: float) -> Floats:
        """Return the inverse of the damped matrix, float64 [parameters, parameters]."""
        inputs, size, network = int(self._sizes[0]), len(self.parameters), self._network
        slopes = np.zeros((self._outputs, *network.sums.shape))
        probabilities = np.empty((self._outputs, len(network.labels)))
        _slopes(network, inputs, slopes, probabilities)
        inverse = np.eye(size) / damping
        vectors, product = np.empty((self._outputs, size)), np.empty(size)
        _add_points(network, inputs, slopes, probabilities, vectors, product, inverse)
        return inverse


@compiled
def _slopes(network, inputs, slopes, probabilities):  # type: ignore[no-untyped-def]
    """Compute the derivatives of the logits in the weighted sum of every neuron that is no input.

    `network` are `pruning.saliency.Activations`; `slopes`, zeros [outputs, neurons, points], and
    `probabilities`, float64 [outputs, points], are written: p * (1 - p) for one logit.
    """
    first, source, weight, sums, _, _, _ = network
    outputs, neurons, points = slopes.shape
    hidden = neurons - outputs
    if outputs == 1:
        for s in range(points):
            power = exp_minus(abs(sums[hidden, s]))
            probabilities[0, s] = power / ((1.0 + power) * (1.0 + power))
    else:
        write_probabilities(sums[hidden:], probabilities)
    for k in range(outputs):
        slopes[k, hidden + k, :] = 1.0
    for n in range(neurons - 1, inputs - 1, -1):
        for k in range(outputs):
            if n < hidden:
                for s in range(points):
                    if not sums[n, s] > 0.0:
                        slopes[k, n, s] = 0.0
            for e in range(first[n], first[n + 1]):
                for s in range(points):
                    slopes[k, source[e], s] += weight[e] * slopes[k, n, s]


@compiled
def _add_points(network, inputs, slopes, probabilities, vectors, product, inverse):  # type: ignore[no-untyped-def]
    """Update the inverse, float64 [parameters, parameters], with the vectors of every point.

    The first arguments are those of `_slopes`, which writes two of them. `vectors`, float64
    [outputs, parameters], is for the vectors of a point, and `product`, float64 [parameters], for
    the product of the inverse and a vector. The inverse is initially I / damping.
    """
    first, source, values = network.first, network.source, network.values
    outputs, neurons, points = slopes.shape
    weights, size = len(source), len(product)
    for s in range(points):
        for n in range(inputs, neurons):
            for k in range(outputs):
                for e in range(first[n], first[n + 1]):
                    vectors[k, e] = slopes[k, n, s] * values[source[e], s]
                vectors[k, weights + n - inputs] = slopes[k, n, s]
        for j in range(size):
            mean = 0.0
            if outputs > 1:
                for k in range(outputs):
                    mean += probabilities[k, s] * vectors[k, j]
            for k in range(outputs):
                vectors[k, j] = np.sqrt(probabilities[k, s]) * (vectors[k, j] - mean)
        for k in range(outputs):
            product[:] = 0.0
            for j in range(size):
                if vectors[k, j] != 0.0:
                    for i in range(size):
                        product[i] += vectors[k, j] * inverse[j, i]
            total = float(points)
            for j in range(size):
                total += vectors[k, j] * product[j]
            for j in range(size):
                if product[j] != 0.0:
                    share = product[j] / total
                    for i in range(size):
                        inverse[j, i] -= share * product[i]
