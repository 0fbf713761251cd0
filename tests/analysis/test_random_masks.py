"""Random masks without a path: exact count, brute force and simulation agree."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.random_masks import (
    masks_without_path,
    simulated_without_path,
)
from pruning.connectivity import effective_mask
from search.structure import count_weights

SMALL = st.lists(st.integers(1, 3), min_size=2, max_size=5).filter(
    lambda sizes: count_weights(sizes) <= 9
)


def without_path(sizes: list[int], kept: tuple[int, ...]) -> bool:
    """Apply the function that counts the rows' `effective_nnz`."""
    flat = np.zeros(count_weights(sizes), np.bool_)
    flat[list(kept)] = True
    masks, start = [], 0
    for n_in, n_out in pairwise(sizes):
        masks.append(flat[start : start + n_in * n_out].reshape(n_out, n_in))
        start += n_in * n_out
    return not any(mask.any() for mask in effective_mask(masks))


@given(SMALL)
@settings(max_examples=40)
def test_count_agrees_with_brute_force(sizes: list[int]) -> None:
    weights = count_weights(sizes)
    counted = [
        sum(without_path(sizes, kept) for kept in combinations(range(weights), number))
        for number in range(weights + 1)
    ]
    assert masks_without_path(sizes, weights) == counted


@settings(max_examples=40)
@given(st.integers(2, 40), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_simulation_agrees_with_count(width: int, kept: int, seed: int) -> None:
    sizes = [2, width, width, width, 1]
    kept = min(kept, count_weights(sizes))
    trials = 200
    hits = simulated_without_path(sizes, kept, trials, np.random.default_rng(seed))
    probability = probability_without_path(sizes, kept)
    # Six standard deviations, so that none of hundreds of examples fails by chance.
    spread = 6 * sqrt(trials * probability * (1 - probability))
    assert abs(hits - trials * probability) <= spread + 1


def test_counts_of_small_networks_are_those_by_hand() -> None:
    # A chain of three weights has a path only if all three are kept.
    assert masks_without_path([1, 1, 1, 1], 3) == [1, 3, 3, 0]
    # Two inputs, one output: any weight is a path.
    assert masks_without_path([2, 1], 2) == [1, 0, 0]


def test_probability_without_path_rises_with_width() -> None:
    probabilities = [probability_without_path([2, w, w, w, 1], 30) for w in (4, 8, 16, 32, 64, 128)]
    assert probabilities == sorted(probabilities)
    assert probabilities[0] < 0.01
    assert probabilities[-1] > 0.9999


def test_impossible_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="layers"):
        masks_without_path([2], 1)
    assert sum(masks_without_path([2, 2, 1], 6)) < sum(comb(6, kept) for kept in range(7))


def probability_without_path(sizes: list[int], kept: int) -> float:
    return masks_without_path(sizes, kept)[kept] / comb(count_weights(sizes), kept)
