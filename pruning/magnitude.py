"""The largest weights of a whole network: the selection of GMP and of the lottery ticket."""

from __future__ import annotations

import numpy as np

from pruning.biases import bias_masks
from pruning.protocol import Pruned
from pruning.selection import by_layer, strictly_above
from search.layers import Layers


def everything(layers: Layers) -> Pruned:
    """Masks that keep all of a network."""
    return Pruned(
        [np.ones(weight.shape, dtype=np.bool_) for weight, _ in layers],
        [np.ones(bias.shape, dtype=np.bool_) for _, bias in layers],
    )


def cut_to(layers: Layers, count: int) -> Pruned:
    """Keeps what is strictly above the count-th largest magnitude of all weights of a network.

    A weight that is masked is zero and cannot come back. With weights that are not numbers (the
    training has diverged) nothing is kept, as in the authors' code.

    Args:
        layers: (weight float32 [n_out, n_in], bias float32 [n_out]) a layer.
        count: m of strict(m) (docs/paper.md, section 5).
    """
    magnitudes = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
    kept = by_layer(strictly_above(magnitudes, count), [weight.shape for weight, _ in layers])
    return Pruned(kept, bias_masks(kept))
