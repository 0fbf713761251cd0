"""Random masks without a path: the exact count, brute force and simulation agree."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.random_masks import (
    masks_without_path,
    number_of_weights,
    probability_without_path,
    simulated_without_path,
)
from pruning.connectivity import effective_mask

SMALL = st.lists(st.integers(1, 3), min_size=2, max_size=5).filter(
    lambda sizes: number_of_weights(sizes) <= 9
)


def without_path(sizes: list[int], kept: tuple[int, ...]) -> bool:
    """By what the rows' `effective_nnz` is counted with."""
    flat = np.zeros(number_of_weights(sizes), np.bool_)
    flat[list(kept)] = True
    masks, start = [], 0
    for before, behind in pairwise(sizes):
        masks.append(flat[start : start + before * behind].reshape(behind, before))
        start += before * behind
    return not any(mask.any() for mask in effective_mask(masks))


@given(SMALL)
@settings(max_examples=40)
def test_mask_without_path_is_counted_twice_or_not_at_all(sizes: list[int]) -> None:
    weights = number_of_weights(sizes)
    counted = [
        sum(without_path(sizes, kept) for kept in combinations(range(weights), number))
        for number in range(weights + 1)
    ]
    assert masks_without_path(sizes, weights) == counted


@settings(max_examples=40)
@given(st.integers(2, 40), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_simulation_and_count_are_of_different_things(width: int, kept: int, seed: int) -> None:
    sizes = [2, width, width, width, 1]
    kept = min(kept, number_of_weights(sizes))
    trials = 200
    hits = simulated_without_path(sizes, kept, trials, np.random.default_rng(seed))
    probability = probability_without_path(sizes, kept)
    # Six standard deviations: hundreds of examples, and a test that fails by chance helps nobody.
    spread = 6 * sqrt(trials * probability * (1 - probability))
    assert abs(hits - trials * probability) <= spread + 1


def test_counts_of_a_chain_by_hand() -> None:
    # In a chain of three weights there is a path only where all three are kept.
    assert masks_without_path([1, 1, 1, 1], 3) == [1, 3, 3, 0]
    # Two inputs, one output: any weight is a path.
    assert masks_without_path([2, 1], 2) == [1, 0, 0]


def test_wide_network_keeps_a_path() -> None:
    chances = [probability_without_path([2, w, w, w, 1], 30) for w in (4, 8, 16, 32, 64, 128)]
    assert chances == sorted(chances)
    assert chances[0] < 0.01
    assert chances[-1] > 0.9999


def test_more_weights_are_kept_than_there_are() -> None:
    with pytest.raises(ValueError, match="28 of 27 weights"):
        probability_without_path([2, 3, 3, 3, 1], 28)
    with pytest.raises(ValueError, match="two layers"):
        masks_without_path([2], 1)
    assert sum(masks_without_path([2, 2, 1], 6)) < sum(comb(6, kept) for kept in range(7))
