"""Networks of many shapes for the tests of drawings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from pruning.network import MaskedNetwork


def network(
    sizes: Sequence[int], kept: Callable[[int], float] = lambda layer: 1.0
) -> MaskedNetwork:
    """Return a network with random weights.

    Args:
        sizes: neurons of each layer, including inputs and output.
        kept: layer (from 0) -> fraction of its weights that are nonzero.
    """
    generator = np.random.default_rng(list(sizes))
    layers, masks = [], []
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        weight = generator.normal(0, 2, (n_out, n_in)).astype(np.float32)
        bias = generator.normal(0, 1, n_out).astype(np.float32)
        layers.append((weight, bias))
        masks.append(generator.random((n_out, n_in)) < kept(layer))
    return on_the_spiral(MaskedNetwork(layers, masks))


def chain() -> MaskedNetwork:
    """Return a 2-3-3-1 network: neuron 0 of each layer is on a path, 1 is not, 2 has no weight."""
    first = np.array([[1, -2], [3, 0], [0, 0]], np.float32)
    second = np.array([[0.5, 0, 0], [0, 0, 0], [0, 0, 0]], np.float32)
    last = np.array([[-4, 1, 0]], np.float32)
    biases = [np.ones(3, np.float32), np.zeros(3, np.float32), np.ones(1, np.float32)]
    return on_the_spiral(MaskedNetwork(list(zip((first, second, last), biases, strict=True))))


def on_the_spiral(network: MaskedNetwork) -> MaskedNetwork:
    """Return the network, which is drawn over the Cubist Spiral from now on."""
    network.dataset = "cubist-spiral"
    return network


NETWORKS = {
    "dense": network([2, 3, 3, 3, 1]),
    "wider": network([2, 16, 16, 16, 1]),
    "chain": chain(),
    "single": network([2, 1, 1, 1, 1]),
    "linear": network([2, 1]),
    "empty": network([2, 4, 4, 1], lambda layer: 0.0),
    "collapsed": network([2, 8, 8, 8, 1], lambda layer: 0.0 if layer == 1 else 0.5),
    "pruned": network([2, 64, 64, 64, 1], lambda layer: [0.2, 0.01, 0.01, 0.4][layer]),
    "very wide": network([2, 256, 256, 256, 1], lambda layer: [0.05, 3e-4, 3e-4, 0.1][layer]),
    "many": network([2, 64, 64, 1]),
    "deep": network([2, *[5] * 12, 1]),
}
