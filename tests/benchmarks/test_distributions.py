"""The p values of docs/fidelity.md."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.distributions import (
    chance,
    difference_of_means,
    frequencies,
    holm,
    largest_gap,
)


def test_largest_gap_is_that_of_the_distribution_functions() -> None:
    # At 2 the distribution functions are 3/4 and 1/4.
    one, other = np.array([1, 1, 2, 3]), np.array([2, 3, 3, 4])
    assert largest_gap(one, other) == 0.5
    assert largest_gap(one, one) == 0.0


def test_p_value_is_the_share_of_groupings() -> None:
    # 2 of the 20 ways to choose three of six are as far apart.
    one, other = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    assert chance(largest_gap, one, other) == pytest.approx(0.1, abs=0.01)
    assert chance(difference_of_means, one, other) == pytest.approx(0.1, abs=0.01)


def test_equal_samples_have_a_p_value_of_one() -> None:
    sample = np.array([38] * 23 + [29])
    assert chance(largest_gap, sample, sample) == 1.0
    assert chance(difference_of_means, sample, sample) == 1.0


def test_holm_corrects_for_the_number_of_comparisons() -> None:
    # 3 * 0.01, then 2 * 0.02, then 0.5; each at least the one before.
    assert holm([0.5, 0.01, 0.02]) == pytest.approx([0.5, 0.03, 0.04])
    assert holm([0.4, 0.4]) == pytest.approx([0.8, 0.8])


def test_counted_gives_the_share_of_each_number() -> None:
    assert frequencies(np.array([38, 29, 38, 38])) == "29 (25%), 38 (75%)"
