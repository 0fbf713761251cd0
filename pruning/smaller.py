"""Networks with fewer weights than a trained one, by the saliency of elimination."""

from __future__ import annotations

import numpy as np

from pruning.elimination import Removal, ShrinkingNetwork
from pruning.masks import bias_masks
from pruning.neuron_elimination import NeuronNetwork
from pruning.protocol import Snapshot
from pruning.saliency import Floats
from pruning.segments import at_rest
from search.layers import Layers, MaskArrays


def smaller_networks(
    layers: Layers,
    masks: MaskArrays,
    sample: tuple[Floats, Floats],
    count: int,
    weights: int,
) -> list[MaskArrays]:
    """Return the masks of up to `count` networks with fewer weights, bool [n_out, n_in] per layer.

    In the order of saliency, network n lacks the weights at positions n to n + `weights` - 1. The
    last network lacks the neuron whose removal costs the least loss instead; the last neuron of a
    layer is kept. What is then on no path from an input to an output is removed as well. Networks
    in which nothing is left are omitted. The sample is points float64 [points, features] and labels
    float64 [points].
    """
    snapshot = Snapshot(layers, at_rest(layers), list(masks), bias_masks(masks))
    whole = ShrinkingNetwork(snapshot, sample)
    order = whole.least(weights + count, exact=True)
    removals: list[Removal] = [
        order[n : n + weights] for n in range(min(count, len(order) - weights + 1))
    ]
    neuron = NeuronNetwork(snapshot, sample).removals(1, exact=True)
    if neuron:
        removals = [*removals[: count - 1], *neuron]
    smaller: list[MaskArrays] = []
    for edges in removals:
        network = whole.copy()
        network.remove(edges)
        if network.weights and not any(
            all(map(np.array_equal, network.masks, known)) for known in smaller
        ):
            smaller.append(network.masks)
    return smaller
