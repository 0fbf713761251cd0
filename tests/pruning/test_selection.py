from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruning.selection import (
    above_position,
    at_or_above,
    below_highest,
    highest,
    strictly_above,
)
from search.layers import by_layer

# Few different values, so that most vectors have ties.
rows = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=12)


def _row(values: list[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)


@given(rows, st.data())
def test_threshold_is_the_score_of_that_rank(values: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(values)))
    descending = sorted(values, reverse=True)
    threshold = descending[count - 1]
    scores = _row(values)
    assert strictly_above(scores, count).tolist() == [v > threshold for v in values]
    assert at_or_above(scores, count).tolist() == [v >= threshold for v in values]
    assert below_highest(scores, count).tolist() == [v < threshold for v in values]


@given(rows, st.data())
def test_position_counts_ascending_scores(values: list[float], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(values) - 1))
    kept = above_position(_row(values), position).tolist()
    if position == 0:
        assert all(kept)
    else:
        threshold = sorted(values)[position]
        assert kept == [value > threshold for value in values]


@given(rows, st.data())
def test_ties_do_not_change_an_exact_count(values: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(values)))
    kept = highest(_row(values), count)
    assert kept.sum() == count
    ranked = sorted(range(len(values)), key=lambda place: (-values[place], place))
    assert np.flatnonzero(kept).tolist() == sorted(ranked[:count])


def test_without_ties_rules_keep_the_stated_number() -> None:
    scores = np.random.default_rng(0).permutation(100).astype(np.float32)
    assert strictly_above(scores, 40).sum() == 39
    assert at_or_above(scores, 40).sum() == 40
    assert below_highest(scores, 60).sum() == 40
    assert above_position(scores, 60).sum() == 39
    assert highest(scores, 40).sum() == 40


def test_snip_keeps_every_weight_at_threshold_zero() -> None:
    scores = _row([0.0, 0.5, 0.0, 0.25])
    assert at_or_above(scores, 3).all()
    assert strictly_above(scores, 3).tolist() == [False, True, False, True]


def test_nan_scores_keep_no_weights() -> None:
    nothing = np.full(5, np.nan, np.float32)
    assert not at_or_above(nothing, 2).any()
    assert not strictly_above(nothing, 2).any()
    assert not below_highest(nothing, 2).any()


def test_pruning_no_weight_prunes_none() -> None:
    scores = _row([3.0, 1.0, 2.0])
    assert below_highest(scores, 0).all()
    assert above_position(scores, 0).all()


def test_rules_do_not_change_scores() -> None:
    scores = np.random.default_rng(1).normal(size=50).astype(np.float32)
    before = scores.copy()
    for rule in (strictly_above, at_or_above, below_highest, above_position, highest):
        rule(scores, 20)
        np.testing.assert_array_equal(scores, before)


def test_vector_is_split_into_layers_in_order() -> None:
    kept = np.array([1, 0, 0, 1, 1, 1, 1, 0], np.bool_)
    first, second = by_layer(kept, [(3, 2), (1, 2)])
    np.testing.assert_array_equal(first, [[1, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(second, [[1, 0]])


@pytest.mark.parametrize("count", [1, 7])
def test_first_and_last_rank_are_allowed(count: int) -> None:
    scores = np.arange(7, dtype=np.float32)
    assert at_or_above(scores, count).sum() == count
