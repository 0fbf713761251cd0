"""A pruned network without the neurons that have nothing to train."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.start import Start


def compacted(start: Start) -> Start:
    """The same network without hidden neurons that have no weight and no bias.

    Of a network of width 256 with 65 weights left, these are most. What remains keeps its order,
    so weights and biases are trained, and summed up, in the order of the whole network.

    The kernel trains every bias of the neurons that it is given. A masked one must stay zero, and
    does: no weight leaves its neuron, so neither a gradient nor weight decay moves it.

    Args:
        start: a network whose hidden neurons with a masked bias have no outgoing weight.

    Returns:
        The start itself where every bias is kept, as in the search.

    Raises:
        ValueError: a neuron with a masked bias has an outgoing weight.
    """
    if all(mask.all() for mask in start.bias_masks):
        return start
    kept: list[NDArray[np.bool_]] = [np.ones(start.weight_masks[0].shape[1], dtype=np.bool_)]
    for layer, bias_mask in enumerate(start.bias_masks[:-1]):
        if (start.weight_masks[layer + 1].any(axis=0) & ~bias_mask).any():
            raise ValueError(
                f"hidden layer {layer}: a neuron with a masked bias has an outgoing weight, "
                "which the kernel cannot train"
            )
        kept.append(start.weight_masks[layer].any(axis=1) | bias_mask)
    if not start.bias_masks[-1].all():
        raise ValueError("the output's bias is masked, which the kernel cannot train")
    kept.append(start.bias_masks[-1])
    return Start(
        [
            (weight[np.ix_(rows, columns)], bias[rows])
            for (weight, bias), columns, rows in zip(start.layers, kept[:-1], kept[1:], strict=True)
        ],
        [
            mask[np.ix_(rows, columns)]
            for mask, columns, rows in zip(start.weight_masks, kept[:-1], kept[1:], strict=True)
        ],
        [mask[rows] for mask, rows in zip(start.bias_masks, kept[1:], strict=True)],
    )
