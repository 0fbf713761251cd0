"""Exponentials in float64 whose last bit does not depend on the processor's C library."""

from __future__ import annotations

import numpy as np

from search.compilation import compiled

LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
"""The natural logarithm of 2 as a sum whose first part has trailing zeros (fdlibm)."""

_POWERS = 2.0 ** -np.arange(1024)
"""Element k is 2^-k."""

LARGEST_EXPONENT = 700.0
"""Arguments of `exp_minus` from which it returns 0, so that no result is subnormal."""


@compiled
def exp_minus(x):  # type: ignore[no-untyped-def]
    """Return exp(-x) for x >= 0, and 0 for NaN."""
    if not x < LARGEST_EXPONENT:
        return 0.0
    return _series(x)[0] * _POWERS[int(x / LN2_HIGH + 0.5)]


@compiled
def _series(x):  # type: ignore[no-untyped-def]
    """Return s and the bits of a power of 2 whose product is exp(-x), for 0 <= x < 700.

    Other arguments count as 700.
    """
    x = x if x < LARGEST_EXPONENT else LARGEST_EXPONENT
    k = int(x / LN2_HIGH + 0.5)
    r = (k * LN2_HIGH - x) + k * LN2_LOW
    # The Taylor series: |r| <= 0.35, and r^13 / 13! < 2e-16.
    series = 1.0
    for n in range(12, 0, -1):
        series = 1.0 + series * r / n
    return series, (1023 - k) << 52


@compiled
def exponentials(x, out):  # type: ignore[no-untyped-def]
    """Write `exp_minus` of every x, [points], with the same bits; these loops are vectorised."""
    exponents = np.empty(len(x), np.int64)
    for s in range(len(x)):
        out[s], exponents[s] = _series(x[s])
    powers = exponents.view(np.float64)
    for s in range(len(x)):
        out[s] = out[s] * powers[s] if x[s] < LARGEST_EXPONENT else 0.0


@compiled
def write_probabilities(logits, probabilities):  # type: ignore[no-untyped-def]
    """Write the softmax of logits, float64 [classes, points] both."""
    classes, points = logits.shape
    for s in range(points):
        largest = logits[0, s]
        for k in range(1, classes):
            largest = max(largest, logits[k, s])
        total = 0.0
        for k in range(classes):
            probabilities[k, s] = exp_minus(largest - logits[k, s])
            total += probabilities[k, s]
        for k in range(classes):
            probabilities[k, s] /= total
