"""Intervals around what was counted: Wilson's for shares, the bootstrap's for means and minima."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
"""Of every interval here."""

RESAMPLES = 2000
"""Of a bootstrap that is drawn."""

_NONE_REACHES = float("inf")


@dataclass(frozen=True)
class Interval:
    """A number with its interval.

    Attributes:
        value: as measured.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


def wilson(hits: int, trials: int) -> Interval:
    """A share of independent trials, with Wilson's score interval.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    1927.

    Raises:
        ValueError: there are no trials.
    """
    if trials < 1:
        raise ValueError("a share of no trials")
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    return Interval(share, max(0.0, centre - spread), min(1.0, centre + spread))


def mean_difference(
    first: Sequence[float], second: Sequence[float], generator: np.random.Generator
) -> Interval:
    """Mean of the first minus mean of the second, with a percentile bootstrap interval.

    Args:
        first: one number a training.
        second: likewise, of other trainings.
        generator: draws the resamples.

    Raises:
        ValueError: one of them is empty.
    """
    if not first or not second:
        raise ValueError("a mean of nothing")
    means = []
    for values in (np.array(first), np.array(second)):
        drawn = generator.integers(len(values), size=(RESAMPLES, len(values)))
        means.append(values[drawn].mean(axis=1))
    low, high = np.quantile(means[0] - means[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(np.mean(first) - np.mean(second)), float(low), float(high))


def resampled_minimum(counts: Mapping[int, int], trials: int) -> dict[float, float]:
    """The bootstrap distribution of a minimum, without drawing: value -> probability.

    Of `trials` trainings so many came out with each value, and the others without any. A resample
    of as many, drawn with replacement, has no value up to v with probability (1 - m / t)^t where m
    of the t trainings have one up to v. Where it has no value at all its minimum is infinite.

    The minimum of a resample is never below that of the sample, so this says how much hangs on a
    few lucky trainings, and nothing of what more trainings would find.

    Args:
        counts: value -> number of trainings with it.
        trials: number of trainings.

    Raises:
        ValueError: there are more values than trainings, or no trainings.
    """
    if trials < 1 or sum(counts.values()) > trials:
        raise ValueError(f"{sum(counts.values())} values of {trials} trainings")
    distribution: dict[float, float] = {}
    above, seen = 1.0, 0
    for value in sorted(counts):
        seen += counts[value]
        still_above = (1 - seen / trials) ** trials
        distribution[float(value)] = above - still_above
        above = still_above
    distribution[_NONE_REACHES] = above
    return distribution


def minimum(distribution: Mapping[float, float]) -> Interval:
    """The measured minimum and the interval of its bootstrap distribution; ends can be infinite."""
    return Interval(
        min(distribution),
        _quantile(distribution, (1 - LEVEL) / 2),
        _quantile(distribution, (1 + LEVEL) / 2),
    )


def minimum_difference(first: Mapping[float, float], second: Mapping[float, float]) -> Interval:
    """How far the first minimum is above the second, of two independent bootstrap distributions.

    Where a resample of either finds nothing, the difference is infinite, with that one's sign: a
    first that finds nothing counts as above whatever the second does.
    """
    differences: dict[float, float] = {}
    for one, of_one in first.items():
        for other, of_other in second.items():
            apart = one - other if one != _NONE_REACHES else _NONE_REACHES
            differences[apart] = differences.get(apart, 0.0) + of_one * of_other
    return Interval(
        min(first) - min(second) if min(first) != _NONE_REACHES else _NONE_REACHES,
        _quantile(differences, (1 - LEVEL) / 2),
        _quantile(differences, (1 + LEVEL) / 2),
    )


def _quantile(distribution: Mapping[float, float], share: float) -> float:
    """The least value that is not exceeded with that probability."""
    below = 0.0
    for value in sorted(distribution):
        below += distribution[value]
        if below >= share:
            return value
    return max(distribution)
