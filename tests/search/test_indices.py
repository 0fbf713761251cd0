from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.indices import IndexSet

SETS = st.sets(st.integers(0, 40))


def is_normal(indices: IndexSet) -> bool:
    """Check that intervals are sorted, not empty, and separated by at least one index."""
    ends = [end for interval in indices.intervals for end in interval]
    return ends == sorted(set(ends))


@given(SETS, SETS)
def test_algebra_is_that_of_sets(one: set[int], other: set[int]) -> None:
    a, b = IndexSet.from_indices(one), IndexSet.from_indices(other)
    for result, expected in ((a | b, one | other), (a & b, one & other), (a - b, one - other)):
        assert list(result) == sorted(expected)
        assert len(result) == len(expected)
        assert bool(result) == bool(expected)
        assert is_normal(result)


@given(SETS)
def test_equal_sets_compare_equal_however_they_were_made(members: set[int]) -> None:
    one = IndexSet.from_indices(sorted(members, reverse=True))
    other = IndexSet()
    for member in members:
        other = IndexSet.from_indices([member]) | other
    assert one == other
    assert hash(one) == hash(other)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10))))
def test_overlapping_and_adjacent_intervals_are_merged(pairs: list[tuple[int, int]]) -> None:
    intervals = [(start, start + length) for start, length in pairs]
    result = IndexSet.of(intervals)
    assert set(result) == {index for start, stop in intervals for index in range(start, stop)}
    assert is_normal(result)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 9))
def test_range_keeps_its_step(start: int, stop: int, step: int) -> None:
    assert list(IndexSet.from_range(range(start, stop, step))) == list(range(start, stop, step))


def test_long_range_is_one_interval() -> None:
    assert IndexSet.from_range(range(10**18)).intervals == ((0, 10**18),)


@given(SETS, st.integers(0, 50))
def test_take_splits_off_the_smallest_indices(members: set[int], count: int) -> None:
    first, rest = IndexSet.from_indices(members).take(count)
    assert list(first) == sorted(members)[:count]
    assert list(first) + list(rest) == sorted(members)
    assert is_normal(first)
    assert is_normal(rest)


@given(SETS)
def test_json_round_trip_keeps_the_set(members: set[int]) -> None:
    indices = IndexSet.from_indices(members)
    assert IndexSet.of(json.loads(json.dumps(indices.intervals))) == indices


@pytest.mark.parametrize("interval", [(3, 2), (-1, 2), (1,), (1, 2, 3)])
def test_invalid_interval_is_refused(interval: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not a half-open interval"):
        IndexSet.of([interval])


@given(
    many=st.sets(st.integers(0, 60)),
    few=st.sets(st.integers(0, 60)),
)
def test_near_contains_every_overlapping_interval(many: set[int], few: set[int]) -> None:
    large, small = IndexSet.from_indices(many), IndexSet.from_indices(few)
    near = large.near(small.intervals)
    assert set(near & small) == many & few
    if few:
        reach = [pair for pair in near.intervals if pair[1] > min(few) and pair[0] <= max(few)]
        assert list(near.intervals) == reach


@given(SETS, st.integers(1, 5))
def test_pieces_partition_the_set(members: set[int], count: int) -> None:
    indices = IndexSet.from_indices(members)
    pieces = list(indices.pieces(count))
    assert [index for piece in pieces for index in piece] == sorted(members)
    assert all(0 < len(piece.intervals) <= count for piece in pieces)
