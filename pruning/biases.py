"""Bias masks that follow from weight masks (docs/paper.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Pruned
from search.layers import Layers, MaskArrays, by_layer


def bias_masks(weight_masks: MaskArrays) -> list[NDArray[np.bool_]]:
    """Return masks that keep a hidden neuron's bias exactly if a kept weight leaves the neuron.

    Returns:
        bool [n_out] for each layer; the output layer's biases are always kept.

    Example:
        >>> import numpy as np, sparsest
        >>> masks = [np.array([[True, False], [False, False]]), np.array([[True, True]])]
        >>> [mask.tolist() for mask in sparsest.bias_masks(masks)]
        [[True, True], [True]]
    """
    kept: list[NDArray[np.bool_]] = [np.any(mask, axis=0) for mask in weight_masks[1:]]
    return [*kept, np.ones(len(weight_masks[-1]), dtype=np.bool_)]


def prospr_bias_masks(weight_masks: MaskArrays) -> list[NDArray[np.bool_]]:
    """Return `bias_masks` except in the layers that the authors' ProsPr does not mask.

    quirk: the biases of hidden layer l, counted from 0, are masked only if l is less than the
    number of rows of the layer's mask minus 1: at width 3 the last hidden layer keeps all biases.
    """
    return [
        mask if layer < len(mask) - 1 else np.ones(len(mask), dtype=np.bool_)
        for layer, mask in enumerate(bias_masks(weight_masks))
    ]


def masks_of(
    kept: NDArray[np.bool_],
    layers: Layers,
    rule: Callable[[MaskArrays], list[NDArray[np.bool_]]] = bias_masks,
) -> Pruned:
    """Return the masks that follow from a network's kept weights, bool [weights]."""
    masks = by_layer(kept, [weight.shape for weight, _ in layers])
    return Pruned(masks, rule(masks))
