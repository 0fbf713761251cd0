"""Data orders: one permutation of the points per epoch, a function of seed and epoch alone.

The generator is splitmix64 applied to a counter, so that draws do not depend on each other and
training can start at any epoch without replaying earlier ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.splitmix import GAMMA, mix
from workers.kernel.compiled import compiled

_GAMMA = np.uint64(GAMMA)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)

# Number of swap targets drawn at a time, in a loop without branches that is vectorised. With small
# blocks the processor draws the next targets while it swaps.
_BLOCK = 16


_mix = compiled(mix)


@compiled
def shuffle_into(
    seed: np.uint64, epoch: np.uint64, out: NDArray[np.uint32], targets: NDArray[np.uint32]
) -> None:
    """Fill `out` like `permutation`, in compiled code; `targets`, uint32 [_BLOCK], is scratch."""
    count = out.shape[0]
    for i in range(count):
        out[i] = i
    first = _mix(seed + epoch * _GAMMA)
    # Fisher-Yates from the last position down: position i receives one of the positions 0..i.
    top = count
    # Written out: with functions for a draw and a swap, a shuffle takes twice as long.
    while top > _BLOCK:
        for k in range(_BLOCK):
            # Masked although N is below 2^32: the compiler then multiplies 32-bit halves only.
            position = np.uint64(top - 1 - k) & _LOW_HALF
            draw = _mix(first + position * _GAMMA) >> _HALF
            targets[k] = (draw * ((position + np.uint64(1)) & _LOW_HALF)) >> _HALF
        for k in range(_BLOCK):
            i = top - 1 - k
            j = targets[k]
            moved = out[i]
            out[i] = out[j]
            out[j] = moved
        top -= _BLOCK
    for k in range(top - 1):
        i = top - 1 - k
        position = np.uint64(i)
        j = ((_mix(first + position * _GAMMA) >> _HALF) * (position + np.uint64(1))) >> _HALF
        moved = out[i]
        out[i] = out[j]
        out[j] = moved


def permutation(seed: int, epoch: int, out: NDArray[np.uint32]) -> None:
    """Fill `out`, uint32 [N], with the order of the points in one epoch, counted from 0.

    Fisher-Yates from the last position down: with first = mix(seed + epoch * GAMMA), position i is
    swapped with position ((mix(first + i * GAMMA) >> 32) * (i + 1)) >> 32, where mix is the
    finaliser of splitmix64 and all arithmetic is modulo 2^64. The multiply-shift (Lemire 2019,
    without rejection) favours some positions by less than N / 2^32, which is 1 in 86,000 for the
    Cubist Spiral. The seed is the 64-bit one of a stream of orders (`Experiment.order_seed`); N is
    below 2^32.
    """
    shuffle_into(np.uint64(seed), np.uint64(epoch), out, np.empty(_BLOCK, np.uint32))
