"""Random parts of sets of experiments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.indices import IndexSet
from search.parts import members_at, sample_positions


@given(st.integers(1, 3000), st.integers(0, 5))
def test_permutation_has_every_member_once(size: int, root_seed: int) -> None:
    assert sorted(sample_positions(size, size, root_seed).tolist()) == list(range(size))


def test_samples_of_stored_runs_are_stable() -> None:
    assert sample_positions(485_838, 5, 0).tolist() == [226824, 291330, 412803, 65225, 157821]


@given(st.integers(1, 2**63), st.integers(1, 200), st.integers(1, 200))
def test_larger_sample_contains_the_smaller(size: int, one: int, other: int) -> None:
    few, many = sorted((min(one, size), min(other, size)))
    larger = sample_positions(size, many, 7)
    assert larger[:few].tolist() == sample_positions(size, few, 7).tolist()
    assert len(set(larger.tolist())) == many
    assert int(larger.max()) < size


@pytest.mark.parametrize("size", [1000, 10**12])
def test_sample_is_spread_evenly_and_depends_on_the_root_seed(size: int) -> None:
    chosen = sample_positions(size, 400, 0)
    # Tenths of the set, and residues that the axes of grids have: 40 each are expected, with a
    # standard deviation of 6.
    for kinds in (chosen // np.uint64(size // 10), chosen % np.uint64(10)):
        counts = np.bincount(kinds.astype(np.int64), minlength=10)
        assert counts.min() > 10
        assert counts.max() < 80
    again = set(sample_positions(size, 400, 1).tolist()) & set(chosen.tolist())
    assert len(again) < 320


def test_members_are_those_at_the_positions() -> None:
    indices = IndexSet.of([(3, 5), (10, 11), (20, 30)])
    members = list(indices)
    for positions in ([0, 2, 3, 12], [12, 1], list(range(13))):
        expected = sorted(members[position] for position in positions)
        assert list(members_at(indices, positions)) == expected
