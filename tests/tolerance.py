"""Tolerances for two computations of the same network, used by all tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEP_TOLERANCE = 2e-6
"""Tolerance for float32 weights of order one after a few dozen steps over the same batches. Correct
trainers differ by about 2e-7; a wrong learning rate, momentum or batch by 1e-3 or more."""

ROUNDING = 1e-7
"""Tolerance for numbers of order one computed in float64 and rounded once to float32."""

Network = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]


def largest_difference(ours: Network, theirs: Network) -> float:
    """Return the largest absolute difference of any weight or bias; shapes must agree."""
    assert len(ours) == len(theirs)
    differences = [0.0]
    for our_layer, their_layer in zip(ours, theirs, strict=True):
        for our_array, their_array in zip(our_layer, their_layer, strict=True):
            assert our_array.shape == their_array.shape
            differences.append(float(np.abs(our_array - their_array).max(initial=0.0)))
    return float(np.max(differences))


def assert_networks_agree(ours: Network, theirs: Network, tolerance: float) -> None:
    """Check that all weights and biases agree; NaN agrees with nothing."""
    assert largest_difference(ours, theirs) <= tolerance
