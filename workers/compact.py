"""Removal of hidden neurons that have nothing to train from a pruned network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.start import Start


def compacted(start: Start) -> Start:
    """Return the network without the hidden neurons that have no incoming weight and no bias.

    In a network of width 256 with 65 weights left, these are most of the neurons. The others keep
    their order, so weights and biases are trained and summed in the order of the whole network.

    The kernel trains every bias of the remaining neurons. A masked one stays zero nonetheless: no
    weight leaves its neuron, so neither a gradient nor weight decay changes it.

    Args:
        start: network whose hidden neurons with a masked bias have no outgoing weight.

    Returns:
        A smaller network; `start` itself if no bias is masked, as in the search.

    Raises:
        ValueError: a neuron with a masked bias has an outgoing weight.
    """
    if all(mask.all() for mask in start.bias_masks):
        return start
    kept = kept_neurons(start.weight_masks, start.bias_masks)
    return Start(
        [
            (weight[rows][:, columns], bias[rows])
            for (weight, bias), columns, rows in zip(start.layers, kept[:-1], kept[1:], strict=True)
        ],
        [
            mask[rows][:, columns]
            for mask, columns, rows in zip(start.weight_masks, kept[:-1], kept[1:], strict=True)
        ],
        [mask[rows] for mask, rows in zip(start.bias_masks, kept[1:], strict=True)],
    )


def kept_neurons(
    weight_masks: Sequence[NDArray[np.bool_]], bias_masks: Sequence[NDArray[np.bool_]]
) -> list[NDArray[np.bool_]]:
    """Return masks of the neurons that `compacted` keeps.

    Args:
        weight_masks: bool [n_out, n_in] per layer, input side first.
        bias_masks: bool [n_out] per layer.

    Returns:
        bool [neurons] for the inputs, which are all kept, and for every layer.

    Raises:
        ValueError: as `compacted`.
    """
    kept: list[NDArray[np.bool_]] = [np.ones(weight_masks[0].shape[1], dtype=np.bool_)]
    for layer, bias_mask in enumerate(bias_masks[:-1]):
        if (weight_masks[layer + 1].any(axis=0) & ~bias_mask).any():
            raise ValueError(
                f"hidden layer {layer}: a neuron with a masked bias has an outgoing weight, "
                "which the kernel cannot train"
            )
        kept.append(weight_masks[layer].any(axis=1) | bias_mask)
    if not bias_masks[-1].all():
        raise ValueError("an output's bias is masked, which the kernel cannot train")
    kept.append(bias_masks[-1])
    return kept


def spread_counts(counts: NDArray[np.int64], kept: Sequence[NDArray[np.bool_]]) -> list[int]:
    """Return numbers of the remaining hidden neurons as numbers of all; 0 for the others.

    Args:
        counts: int64 [remaining hidden neurons], hidden layer by layer.
        kept: the result of `kept_neurons`.
    """
    neurons = np.concatenate(kept[1:-1])
    every = np.zeros(len(neurons), np.int64)
    every[neurons] = counts
    whole: list[int] = every.tolist()
    return whole
