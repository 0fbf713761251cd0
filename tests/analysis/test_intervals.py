"""Intervals against known values and against the drawing that they stand for."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intervals import (
    Interval,
    mean_difference,
    minimum,
    minimum_difference,
    resampled_minimum,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Known values of Wilson's interval without continuity correction.
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
        (1, 30, 0.0059, 0.1667),
    ],
)
def test_share_has_another_interval(hits: int, trials: int, low: float, high: float) -> None:
    found = wilson(hits, trials)
    assert found.value == hits / trials
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_share_of_nothing() -> None:
    with pytest.raises(ValueError, match="no trials"):
        wilson(0, 0)


def test_minimum_differs_from_that_of_drawn_resamples() -> None:
    values = np.array([18.0, 20, 20, 25] + [inf] * 16)
    drawn = np.random.default_rng(1).choice(values, size=(40_000, 20)).min(axis=1)
    exact = resampled_minimum({18: 1, 20: 2, 25: 1}, 20)
    assert set(exact) == {18, 20, 25, inf}
    for value, probability in exact.items():
        assert np.mean(drawn == value) == pytest.approx(probability, abs=0.01)


@given(st.dictionaries(st.integers(1, 60), st.integers(1, 5), max_size=6), st.integers(1, 100))
def test_chances_of_a_minimum_do_not_add_up(counts: dict[int, int], others: int) -> None:
    distribution = resampled_minimum(counts, sum(counts.values()) + others)
    assert sum(distribution.values()) == pytest.approx(1)
    found = minimum(distribution)
    assert found.value == min(counts, default=inf)
    assert found.value <= found.low <= found.high


def test_more_values_than_trainings() -> None:
    with pytest.raises(ValueError, match="3 values of 2 trainings"):
        resampled_minimum({5: 3}, 2)


def test_method_that_reaches_nothing_is_ahead() -> None:
    search = resampled_minimum({20: 100}, 200)
    nothing = resampled_minimum({}, 200)
    assert minimum_difference(nothing, search) == Interval(inf, inf, inf)
    never = minimum_difference(search, nothing)
    assert (never.value, never.high) == (-inf, -inf)


def test_clear_difference_is_lost() -> None:
    few, many = resampled_minimum({20: 500}, 1000), resampled_minimum({30: 500}, 1000)
    assert minimum_difference(many, few) == Interval(10, 10, 10)
    generator = np.random.default_rng(2)
    difference = mean_difference([0.9, 0.8] * 50, [0.5, 0.6] * 50, generator)
    assert difference.value == pytest.approx(0.3)
    assert difference.low < difference.value < difference.high
    assert difference.high - difference.low < 0.1
    with pytest.raises(ValueError, match="nothing"):
        mean_difference([], [0.5], generator)
