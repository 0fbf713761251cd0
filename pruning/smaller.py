"""Networks with fewer weights than a trained one, by the saliency of elimination."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pruning.biases import bias_masks
from pruning.elimination import Edge, Network
from pruning.protocol import Snapshot
from pruning.saliency import Floats, Unrolled
from search.layers import Layers

MaskArrays = list[NDArray[np.bool_]]


def smaller_networks(
    layers: Layers,
    masks: Sequence[NDArray[np.bool_]],
    sample: tuple[Floats, Floats],
    count: int,
    weights: int,
) -> list[MaskArrays]:
    """Return the masks of networks with fewer weights.

    Each lacks `weights` weights of little saliency, the one after it those that follow by one in
    the order of saliency; the last one lacks the neuron whose removal costs the least loss. What is
    then on no path from an input to an output is removed as well. Networks in which nothing is left
    are omitted.

    Args:
        layers: (weight float32 [n_out, n_in], bias float32 [n_out]) per layer.
        masks: bool [n_out, n_in] per layer.
        sample: points float64 [points, features] and labels float64 [points].
        count: maximum number of networks.
        weights: number of weights to remove.
    """
    at_rest = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
    snapshot = Snapshot(layers, at_rest, list(masks), bias_masks(masks))
    order = Network(snapshot, sample).least(weights + count, exact=True)
    removals = [order[n : n + weights] for n in range(min(count, len(order) - weights + 1))]
    neuron = _least_neuron(snapshot, sample)
    if neuron:
        removals = [*removals[: count - 1], neuron]
    smaller: list[MaskArrays] = []
    for edges in removals:
        network = Network(snapshot, sample)
        network.remove(edges)
        if network.weights and not any(_equal(network.masks, known) for known in smaller):
            smaller.append(network.masks)
    return smaller


def _least_neuron(snapshot: Snapshot, sample: tuple[Floats, Floats]) -> list[Edge]:
    """Return the outgoing weights of the hidden neuron whose removal costs the least loss."""
    best: list[Edge] = []
    least = np.inf
    for layer, mask in enumerate(snapshot.weight_masks[1:], start=1):
        for neuron in np.flatnonzero(mask.any(0)).tolist():
            edges = [(layer, int(target), neuron) for target in np.flatnonzero(mask[:, neuron])]
            network = Network(snapshot, sample)
            network.remove(edges)
            loss = Unrolled(network.layers, network.masks, *sample).loss()
            if loss < least:
                least, best = loss, edges
    return best


def _equal(first: MaskArrays, second: MaskArrays) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
