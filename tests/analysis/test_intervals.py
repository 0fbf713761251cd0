"""Intervals: known values, and agreement with the sampling that they describe."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import central_range, mean_difference, minimum_of_draws
from search.intervals import Interval, clopper_pearson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Tabulated values of the Clopper-Pearson interval.
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (50, 100, 0.3983, 0.6017),
        (1, 30, 0.0008, 0.1722),
        (0, 400, 0.0, 0.0092),
    ],
)
def test_share_has_the_exact_interval(hits: int, trials: int, low: float, high: float) -> None:
    found = clopper_pearson(hits, trials)
    assert found.value == hits / trials
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_share_of_no_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="trial"):
        clopper_pearson(0, 0)


@pytest.mark.parametrize("draws", [5, 20, 60])
def test_minimum_of_draws_agrees_with_sampling(draws: int) -> None:
    values = np.array([18.0, 20, 20, 25] + [inf] * 16)
    drawn = np.random.default_rng(1).choice(values, size=(40_000, draws)).min(axis=1)
    exact = minimum_of_draws({18: 1, 20: 2, 25: 1}, 20, draws)
    assert set(exact) == {18, 20, 25, inf}
    for value, probability in exact.items():
        assert np.mean(drawn == value) == pytest.approx(probability, abs=0.01)


@given(st.dictionaries(st.integers(1, 60), st.integers(1, 5), max_size=6), st.integers(1, 100))
def test_probabilities_of_a_minimum_add_up(counts: dict[int, int], others: int) -> None:
    distribution = minimum_of_draws(counts, sum(counts.values()) + others, 50)
    assert sum(distribution.values()) == pytest.approx(1)
    found = central_range(distribution)
    assert min(counts, default=inf) <= found.low <= found.value <= found.high


def test_more_draws_give_smaller_minima() -> None:
    counts = {20: 1, 30: 50, 40: 500}
    few, many = (central_range(minimum_of_draws(counts, 10_000, n)) for n in (100, 10_000))
    assert few.value > many.value
    assert central_range(minimum_of_draws({}, 10, 10)) == Interval(inf, inf, inf)


def test_more_values_than_trainings_are_refused() -> None:
    with pytest.raises(ValueError, match="3 values of 2 trainings"):
        minimum_of_draws({5: 3}, 2, 2)


def test_difference_of_means_has_an_interval() -> None:
    generator = np.random.default_rng(2)
    difference = mean_difference([0.9, 0.8] * 50, [0.5, 0.6] * 50, generator)
    assert difference.value == pytest.approx(0.3)
    assert difference.low < difference.value < difference.high
    assert difference.high - difference.low < 0.1
    wider = mean_difference([0.9, 0.8] * 50, [0.5, 0.6] * 50, generator, level=0.999)
    assert wider.high - wider.low > difference.high - difference.low
    with pytest.raises(ValueError, match="mean"):
        mean_difference([], [0.5], generator)
