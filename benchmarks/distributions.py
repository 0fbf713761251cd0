"""Comparison of two samples, with permutation tests of their difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import table

PERMUTATIONS = 20_000
"""Number of random groupings for a p value; the smallest possible p value is about 0.00005."""

QUANTILES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
HEADINGS = ["min", "10 %", "25 %", "median", "75 %", "90 %", "max"]

Accuracies = NDArray[np.float64]
Counts = NDArray[np.int64]
Sample = Accuracies | Counts
Titles = tuple[str, str]


def largest_gap(one: Sample, other: Sample) -> float:
    """Return the Kolmogorov-Smirnov statistic, the largest gap between the two distributions."""
    values = np.concatenate([one, other])
    below_one = np.searchsorted(np.sort(one), values, side="right") / len(one)
    below_other = np.searchsorted(np.sort(other), values, side="right") / len(other)
    return float(np.abs(below_one - below_other).max())


def difference_of_means(one: Sample, other: Sample) -> float:
    """Return the absolute difference of the means."""
    return float(abs(one.mean() - other.mean()))


def chance(distance: Callable[[Sample, Sample], float], one: Sample, other: Sample) -> float:
    """Return the p value of a permutation test of the distance.

    Unlike the Kolmogorov-Smirnov tables, it is valid for counts with many ties.
    """
    rng = np.random.default_rng(0)
    values = np.concatenate([one, other])
    observed = distance(one, other)
    at_least_as_far = 0
    for _ in range(PERMUTATIONS):
        rng.shuffle(values)
        permuted = distance(values[: len(one)], values[len(one) :])
        at_least_as_far += permuted >= observed - 1e-12
    return (at_least_as_far + 1) / (PERMUTATIONS + 1)


def chances(one: Sample, other: Sample) -> tuple[float, float]:
    """Return the p values of the largest gap and of the difference of means."""
    return chance(largest_gap, one, other), chance(difference_of_means, one, other)


def holm(values: Sequence[float]) -> list[float]:
    """Return the p values with Holm's correction (1979), in the order given."""
    adjusted = [0.0] * len(values)
    least = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda index: values[index])):
        least = max(least, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = least
    return adjusted


def accuracy_table(titles: Titles, samples: tuple[Accuracies, Accuracies]) -> str:
    """Return a table with one row per distribution of accuracy."""
    columns = {"": "", "n": "", **dict.fromkeys((*HEADINGS, "mean"), ".3f")}
    columns |= dict.fromkeys(("at 50 %", "95 % and more", "99.5 % and more"), ".1%")
    rows = []
    for title, sample in zip(titles, samples, strict=True):
        stuck = np.mean(np.abs(sample - 0.5) < 0.005)
        shares = (stuck, *(np.mean(sample >= target) for target in (0.95, 0.995)))
        values = (*np.quantile(sample, QUANTILES), sample.mean())
        rows.append([title, len(sample), *values, *shares])
    return table(columns, rows)


def count_table(titles: Titles, name: str, samples: tuple[Counts, Counts]) -> str:
    """Return a table with one row per distribution of a number of nonzeros."""
    rows = []
    for title, sample in zip(titles, samples, strict=True):
        # Quantiles of counts are counts: no interpolation.
        values = np.quantile(sample, QUANTILES, method="inverted_cdf")
        rows.append([title, len(sample), *values, sample.mean(), sample.std(ddof=1)])
    columns = dict.fromkeys((name, "n", *HEADINGS), "") | {"mean": ".2f"}
    return table(columns | {"standard deviation": ".2f"}, rows)


def verdict(one: Sample, other: Sample, by_chance: tuple[float, float]) -> str:
    """Return a sentence on the distance of two distributions, with the p values of `chances`."""
    gap, means = by_chance
    return (
        f"Largest gap between the distributions {largest_gap(one, other):.3f} (p = {gap:.2g}); "
        f"difference of means {difference_of_means(one, other):.3g} (p = {means:.2g})."
    )


def frequencies(sample: Counts) -> str:
    """Return the share of each number."""
    counts = sorted(Counter(sample.tolist()).items())
    return ", ".join(f"{number} ({times / len(sample):.0%})" for number, times in counts)
