"""Intervals of shares (Clopper-Pearson)."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95
"""Confidence level of intervals unless another one is given."""


@dataclass(frozen=True)
class Interval:
    """A number with its interval.

    Attributes:
        value: measured value.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


def clopper_pearson(hits: int, trials: int) -> Interval:
    """Return a share of independent trials with its exact (Clopper-Pearson) interval.

    Source: C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits illustrated in
    the case of the binomial, 1934. A ValueError if there are no trials.
    """
    if trials < 1:
        raise ValueError("a share needs at least one trial")
    from scipy.stats import beta  # slow to import

    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return Interval(hits / trials, low, high)
