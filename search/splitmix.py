"""splitmix64, a generator that makes each number from a counter.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

GAMMA = 0x9E3779B97F4A7C15
"""Step of the counter: 2^64 divided by the golden ratio, whose multiples are distributed evenly."""

Numbers = TypeVar("Numbers", np.uint64, NDArray[np.uint64])


def mix(z: Numbers) -> Numbers:
    """Return the finaliser of 64-bit numbers. It can be compiled too."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
