"""Magnitude pruning of a whole network, as in GMP and the lottery ticket."""

from __future__ import annotations

import numpy as np

from pruning.biases import masks_of
from pruning.protocol import Pruned
from pruning.selection import strictly_above
from search.layers import Layers


def full_masks(layers: Layers) -> Pruned:
    """Return masks that keep every parameter of a network.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> [mask.tolist() for mask in sparsest.full_masks(layers).weight_masks]
        [[[True, True]]]
    """
    return Pruned(
        [np.ones(weight.shape, dtype=np.bool_) for weight, _ in layers],
        [np.ones(bias.shape, dtype=np.bool_) for _, bias in layers],
    )


def keep_largest(layers: Layers, count: int) -> Pruned:
    """Return masks of the weights strictly above the count-th largest magnitude of the network.

    This is strict(m) of docs/paper.md, section 5, with m = `count`. A masked weight is zero and
    cannot return. If a weight is NaN (the training has diverged), nothing is kept, as in the
    authors' code.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> [mask.tolist() for mask in sparsest.keep_largest(layers, 2).weight_masks]
        [[[True, False]]]
    """
    magnitudes = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
    return masks_of(strictly_above(magnitudes, count), layers)
