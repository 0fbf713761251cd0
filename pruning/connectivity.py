"""Which weights can matter: those on a path of nonzero weights from an input to an output.

The others are disconnected: they count as nonzero, but whatever value they have, the output does
not depend on the input through them (docs/paper.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Weight = NDArray[np.bool_] | NDArray[np.float32] | NDArray[np.float64]


def effective_mask(weights: Sequence[Weight]) -> list[NDArray[np.bool_]]:
    """The nonzero weights on an input-to-output path of nonzero weights.

    Biases play no part: a neuron that only a bias feeds is constant, so what leaves it is no path.

    Args:
        weights: one matrix [n_out, n_in] a layer, input side first; numbers or a mask.

    Returns:
        bool [n_out, n_in] a layer.
    """
    forward: list[NDArray[np.bool_]] = []
    reached: NDArray[np.bool_] = np.ones(weights[0].shape[1], dtype=np.bool_)
    for weight in weights:
        mask: NDArray[np.bool_] = (weight != 0) & reached
        reached = np.any(mask, axis=1)
        forward.append(mask)
    leads_on: NDArray[np.bool_] = np.ones(weights[-1].shape[0], dtype=np.bool_)
    for mask in reversed(forward):
        mask &= leads_on[:, None]
        leads_on = np.any(mask, axis=0)
    return forward


def effective_nnz(weights: Sequence[Weight]) -> int:
    """Number of nonzero weights on an input-to-output path; arguments as `effective_mask`."""
    return sum(int(np.count_nonzero(mask)) for mask in effective_mask(weights))


def is_collapsed(weights: Sequence[Weight]) -> bool:
    """Whether no nonzero path leads from any input to an output: the network is a constant.

    Arguments as `effective_mask`.
    """
    return effective_nnz(weights) == 0
