"""The p values of docs/fidelity.md."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.distributions import (
    chance,
    counted,
    difference_of_means,
    holm,
    largest_gap,
)


def test_gap_is_not_that_of_the_distribution_functions() -> None:
    # Up to 2, three quarters of the one and a quarter of the other.
    one, other = np.array([1, 1, 2, 3]), np.array([2, 3, 3, 4])
    assert largest_gap(one, other) == 0.5
    assert largest_gap(one, one) == 0.0


def test_chance_is_not_the_share_of_groupings() -> None:
    # 2 of the 20 ways to take three of six are as far apart as these.
    one, other = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    assert chance(largest_gap, one, other) == pytest.approx(0.1, abs=0.01)
    assert chance(difference_of_means, one, other) == pytest.approx(0.1, abs=0.01)


def test_equal_samples_pass_for_different() -> None:
    sample = np.array([38] * 23 + [29])
    assert chance(largest_gap, sample, sample) == 1.0
    assert chance(difference_of_means, sample, sample) == 1.0


def test_many_comparisons_are_taken_for_one() -> None:
    # 3 * 0.01; then 2 * 0.02, more than that; then 0.5, and none is below the one before.
    assert holm([0.5, 0.01, 0.02]) == pytest.approx([0.5, 0.03, 0.04])
    assert holm([0.4, 0.4]) == pytest.approx([0.8, 0.8])


def test_counts_are_lost() -> None:
    assert counted(np.array([38, 29, 38, 38])) == "29 (25%), 38 (75%)"
