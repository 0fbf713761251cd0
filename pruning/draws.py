"""Random numbers of a method, the same on every machine and with every version of numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Draw = Callable[[], float]
"""Function that returns a random number from 0 to below 1, uniform, a multiple of 2^-53."""


def uniform_draws(seed: int) -> Draw:
    """Return a source of random numbers: numpy's PCG64, whose raw output numpy keeps stable.

    The seed is that of a stream of the experiment (`Experiment.seed`), 64 bits.
    """
    bits = np.random.PCG64(seed)
    return lambda: float((int(bits.random_raw()) >> 11) * 2.0**-53)
