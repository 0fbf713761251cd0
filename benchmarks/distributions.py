"""Two samples side by side, and whether chance explains how they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import table

PERMUTATIONS = 20_000
"""Random groupings for a p value; the smallest that it can be is about 0.00005."""

QUANTILES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
HEADINGS = ["min", "10 %", "25 %", "median", "75 %", "90 %", "max"]

Accuracies = NDArray[np.float64]
Counts = NDArray[np.int64]
Sample = Accuracies | Counts
Titles = tuple[str, str]


def largest_gap(one: Sample, other: Sample) -> float:
    """The Kolmogorov-Smirnov statistic: the largest distance of the two distributions."""
    values = np.concatenate([one, other])
    below_one = np.searchsorted(np.sort(one), values, side="right") / len(one)
    below_other = np.searchsorted(np.sort(other), values, side="right") / len(other)
    return float(np.abs(below_one - below_other).max())


def difference_of_means(one: Sample, other: Sample) -> float:
    """How far the means lie apart."""
    return float(abs(one.mean() - other.mean()))


def chance(distance: Callable[[Sample, Sample], float], one: Sample, other: Sample) -> float:
    """How often two random groups of both samples lie as far apart: a permutation test.

    It holds for counts with many ties too, as the tables of Kolmogorov and Smirnov would not.
    """
    rng = np.random.default_rng(0)
    values = np.concatenate([one, other])
    observed = distance(one, other)
    as_far = 0
    for _ in range(PERMUTATIONS):
        rng.shuffle(values)
        as_far += distance(values[: len(one)], values[len(one) :]) >= observed - 1e-12
    return (as_far + 1) / (PERMUTATIONS + 1)


def chances(one: Sample, other: Sample) -> tuple[float, float]:
    """The p values of the largest gap and of the difference of the means."""
    return chance(largest_gap, one, other), chance(difference_of_means, one, other)


def holm(values: Sequence[float]) -> list[float]:
    """The p values made larger for there being several (Holm 1979), in the order given."""
    adjusted = [0.0] * len(values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = least
    return adjusted


def accuracy_table(titles: Titles, samples: tuple[Accuracies, Accuracies]) -> str:
    """Both distributions of accuracy, one a row."""
    head = ["", "n", *HEADINGS, "mean", "at 50 %", "95 % and more", "99.5 % and more"]
    rows = []
    for title, sample in zip(titles, samples, strict=True):
        row = [title, str(len(sample))]
        row += [f"{value:.3f}" for value in (*np.quantile(sample, QUANTILES), sample.mean())]
        stuck = np.mean(np.abs(sample - 0.5) < 0.005)
        row += [f"{share:.1%}" for share in (stuck, *(np.mean(sample >= t) for t in (0.95, 0.995)))]
        rows.append(row)
    return table(head, rows)


def count_table(titles: Titles, name: str, samples: tuple[Counts, Counts]) -> str:
    """Both distributions of a number of nonzeros, one a row."""
    rows = []
    for title, sample in zip(titles, samples, strict=True):
        # A quantile between two counts would be no count.
        values = np.quantile(sample, QUANTILES, method="inverted_cdf")
        row = [title, str(len(sample)), *(str(value) for value in values)]
        rows.append([*row, f"{sample.mean():.2f}", f"{sample.std(ddof=1):.2f}"])
    return table([name, "n", *HEADINGS, "mean", "standard deviation"], rows)


def verdict(one: Sample, other: Sample, by_chance: tuple[float, float]) -> str:
    """How far two distributions lie apart, with `chances` of it."""
    gap, means = by_chance
    return (
        f"Largest gap of the two distributions {largest_gap(one, other):.3f}; by chance as large: "
        f"p = {gap:.2g}. Their means as far apart by chance: p = {means:.2g}."
    )


def counted(sample: Counts) -> str:
    """How often each number occurs."""
    counts = sorted(Counter(sample.tolist()).items())
    return ", ".join(f"{number} ({times / len(sample):.0%})" for number, times in counts)
