"""Intervals around means and minima; `search.intervals` has those of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from search.intervals import LEVEL, Interval

RESAMPLES = 2000
"""Number of bootstrap resamples."""

NONE_REACHES = float("inf")
"""Minimum of a sample in which no training reaches the accuracy."""


def mean_difference(
    first: Sequence[float],
    second: Sequence[float],
    generator: np.random.Generator,
    level: float = LEVEL,
) -> Interval:
    """Return the difference of two means, with a percentile bootstrap interval.

    Args:
        first: one number for each training.
        second: one number for each of the other trainings; their mean is subtracted.
        generator: draws the resamples.
        level: confidence level.

    Raises:
        ValueError: one of the samples is empty.
    """
    if not first or not second:
        raise ValueError("a mean needs at least one value")
    means = []
    for values in (np.array(first), np.array(second)):
        drawn = generator.integers(len(values), size=(RESAMPLES, len(values)))
        means.append(values[drawn].mean(axis=1))
    low, high = np.quantile(means[0] - means[1], [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(np.mean(first) - np.mean(second)), float(low), float(high))


def minimum_of_draws(counts: Mapping[int, int], trainings: int, draws: int) -> dict[float, float]:
    """Return the distribution of the minimum of some trainings drawn with replacement.

    If m of the t trainings have a value up to v, the minimum of n draws is above v with
    probability (1 - m / t)^n. With the same n for several methods their minima are comparable,
    however many trainings each of them had.

    Args:
        counts: value -> number of trainings with it; the other trainings have no value.
        trainings: number of trainings, t.
        draws: number of draws, n.

    Returns:
        value -> probability that it is the minimum; `NONE_REACHES` if no draw has a value.

    Raises:
        ValueError: there are more values than trainings, or no trainings.
    """
    if trainings < 1 or sum(counts.values()) > trainings:
        raise ValueError(f"{sum(counts.values())} values of {trainings} trainings")
    distribution: dict[float, float] = {}
    above, seen = 1.0, 0
    for value in sorted(counts):
        seen += counts[value]
        still_above = (1 - seen / trainings) ** draws
        distribution[float(value)] = above - still_above
        above = still_above
    distribution[NONE_REACHES] = above
    return distribution


def central_range(distribution: Mapping[float, float]) -> Interval:
    """Return the median and the central `LEVEL` range of a distribution; ends can be infinite."""
    return Interval(
        _quantile(distribution, 0.5),
        _quantile(distribution, (1 - LEVEL) / 2),
        _quantile(distribution, (1 + LEVEL) / 2),
    )


def _quantile(distribution: Mapping[float, float], share: float) -> float:
    """Return the smallest value that is not exceeded with this probability."""
    cumulated = 0.0
    for value in sorted(distribution):
        cumulated += distribution[value]
        if cumulated >= share:
            return value
    return max(distribution)
