from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from workers.orders import permutation

_GAMMA = 0x9E3779B97F4A7C15
_ALL = (1 << 64) - 1


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _ALL
    return z ^ (z >> 31)


def _plain_permutation(seed: int, epoch: int, count: int) -> list[int]:
    """Return the order that the docstring of `permutation` defines, in unbounded integers."""
    order = list(range(count))
    first = _mix((seed + epoch * _GAMMA) & _ALL)
    for i in range(count - 1, 0, -1):
        j = ((_mix((first + i * _GAMMA) & _ALL) >> 32) * (i + 1)) >> 32
        order[i], order[j] = order[j], order[i]
    return order


def _order(seed: int, epoch: int, count: int) -> NDArray[np.uint32]:
    out = np.full(count, 7, dtype=np.uint32)
    permutation(seed, epoch, out)
    return out


def test_generator_is_splitmix64() -> None:
    # First outputs of the published generator for the state 0.
    assert [_mix((k + 1) * _GAMMA & _ALL) for k in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


@given(st.integers(0, _ALL), st.integers(0, 1000), st.integers(0, 400))
def test_compiled_order_matches_the_definition(seed: int, epoch: int, count: int) -> None:
    assert _order(seed, epoch, count).tolist() == _plain_permutation(seed, epoch, count)


@pytest.mark.parametrize("count", [1, 2, 1023, 1024, 1025, 1026, 2048, 2049, 2050, 49_982])
def test_order_matches_the_definition_across_blocks_of_draws(count: int) -> None:
    assert _order(_ALL, 3, count).tolist() == _plain_permutation(_ALL, 3, count)


@given(st.integers(0, _ALL), st.integers(0, 49))
def test_order_contains_every_point_once(seed: int, epoch: int) -> None:
    assert np.array_equal(np.sort(_order(seed, epoch, 3000)), np.arange(3000))


def test_order_is_independent_of_earlier_orders() -> None:
    out = np.zeros(500, dtype=np.uint32)
    for epoch in range(5):
        permutation(11, epoch, out)
    assert np.array_equal(out, _order(11, 4, 500))


def test_epochs_and_seeds_have_different_orders() -> None:
    # Neighbouring seeds and epochs, and seeds one counter step apart.
    seeds = [0, 1, 2, _GAMMA, 2 * _GAMMA & _ALL]
    orders = {
        (seed, epoch): tuple(_order(seed, epoch, 50).tolist())
        for seed in seeds
        for epoch in range(50)
        if seed < 3 or epoch == 0
    }
    # The hash is of seed + epoch * GAMMA, so these two pairs coincide with others.
    del orders[(_GAMMA, 0)], orders[(2 * _GAMMA & _ALL, 0)]
    assert len(set(orders.values())) == len(orders)


def test_all_orders_of_four_points_are_equally_likely() -> None:
    trials = 24_000
    counts = Counter(tuple(_order(5, epoch, 4).tolist()) for epoch in range(trials))
    assert len(counts) == 24
    expected = trials / 24
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    # 23 degrees of freedom: exceeded with probability 0.001.
    assert chi_square < 49.7


def test_every_point_is_equally_likely_at_every_position() -> None:
    count, trials = 2500, 400
    positions = np.zeros((trials, count))
    for epoch in range(trials):
        positions[epoch, _order(9, epoch, count)] = np.arange(count)
    # Mean position of one point: standard deviation count / sqrt(12 * trials), 36 here.
    assert np.abs(positions.mean(axis=0) - (count - 1) / 2).max() < 5 * count / np.sqrt(12 * trials)
