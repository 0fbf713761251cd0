"""Intervals around means and minima; `search.intervals` has those of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

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
    """Return the mean of `first` minus that of `second`, with a percentile bootstrap interval.

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

    If m of the t trainings have a value up to v, the minimum of n draws is above v with probability
    (1 - m / t)^n. With the same n for several methods their minima are comparable, however many
    trainings each of them had. `counts` maps a value to the number of trainings with it; the other
    trainings have no value.

    Returns:
        value -> probability that it is the minimum; `NONE_REACHES` if no draw has a value.

    Raises:
        ValueError: there are more values than trainings, or no trainings.
    """
    if trainings < 1 or sum(counts.values()) > trainings:
        raise ValueError(f"{sum(counts.values())} values of {trainings} trainings")
    values = sorted(counts)
    reached = accumulate(counts[value] for value in values)
    above = [1.0, *((1 - count / trainings) ** draws for count in reached)]
    probabilities = [before - after for before, after in pairwise(above)]
    return dict(zip(map(float, values), probabilities, strict=True)) | {NONE_REACHES: above[-1]}


def central_range(distribution: Mapping[float, float]) -> Interval:
    """Return the median and the central `LEVEL` range of a distribution; ends can be infinite."""
    values = sorted(distribution)
    cumulated = list(accumulate(distribution[value] for value in values))
    # The smallest value that is not exceeded with each probability; despite rounding, at most 1.
    places = [
        next((at for at, total in enumerate(cumulated) if total >= share), len(values) - 1)
        for share in (0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2)
    ]
    return Interval(*(values[place] for place in places))
