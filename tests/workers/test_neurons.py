"""A neuron's passes over a stripe against numpy, for every number of edges taken at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.kernel import neurons
from workers.kernel.compiled import compiled
from workers.kernel.neurons import at
from workers.kernel.simd import LANES, STRIPE, aligned_zeros

COUNTS = range(19)
"""Edges: fewer than are taken at a time, as many, and more than twice as many."""

OWN, PARTIAL, ROWS = 0, 1, 2
"""Rows of the test's memory: the neuron's own, scratch, and the first of its neighbours."""

Arrays = tuple[NDArray[Any], ...]


@compiled
def _activate(memory, rows, edges, weights, count, bias, floor, alive):  # type: ignore[no-untyped-def]
    sources, own = at(memory, ROWS * STRIPE), at(memory, OWN * STRIPE)
    alive[0] = neurons.activate(
        sources, at(rows, 0), at(edges, 0), at(weights, 0), count, bias, floor, own
    )


@compiled
def _backpropagate(memory, rows, edges, weights, count, gradient, bias, fresh):  # type: ignore[no-untyped-def]
    neurons.backpropagate(
        at(memory, ROWS * STRIPE),
        at(rows, 0),
        at(edges, 0),
        at(weights, 0),
        count,
        at(memory, OWN * STRIPE),
        at(memory, PARTIAL * STRIPE),
        at(gradient, 0),
        at(gradient, bias * LANES),
        fresh,
    )


@compiled
def _backpropagate_to_input(memory, rows, edges, count, gradient, fresh):  # type: ignore[no-untyped-def]
    neurons.backpropagate_to_input(
        at(memory, ROWS * STRIPE),
        at(rows, 0),
        at(edges, 0),
        count,
        at(memory, OWN * STRIPE),
        at(gradient, 0),
        fresh,
    )


def drawn(count: int) -> Arrays:
    """Memory with a neuron and 20 neighbours, of which `count` are joined to it by an edge each.

    Returns:
        (memory float32 [22 * STRIPE], rows int64 [count], edges int64 [count],
        weights float32 [30]); the last two number more edges than the neuron has.
    """
    rng = np.random.default_rng(count)
    memory = aligned_zeros(22 * STRIPE)
    memory[:] = rng.normal(size=22 * STRIPE)
    rows = np.sort(rng.permutation(20)[:count]).astype(np.int64)
    edges = rng.permutation(30)[:count].astype(np.int64)
    return memory, rows, edges, rng.normal(size=30).astype(np.float32)


def row(memory: NDArray[Any], number: int) -> NDArray[Any]:
    """One row, in double precision."""
    return memory[number * STRIPE : (number + 1) * STRIPE].astype(np.float64)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("floor", [0, -np.inf])
def test_an_edge_is_left_out_or_counted_twice_going_forward(count: int, floor: float) -> None:
    memory, rows, edges, weights = drawn(count)
    before = memory.copy()
    alive = np.zeros(1, np.bool_)
    _activate(memory, rows, edges, weights, count, np.float32(0.25), np.float32(floor), alive)
    z = 0.25 + sum(
        (float(weights[e]) * row(memory, ROWS + r) for e, r in zip(edges, rows, strict=True)),
        start=np.zeros(STRIPE),
    )
    np.testing.assert_allclose(row(memory, OWN), np.maximum(z, floor), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(memory[STRIPE:], before[STRIPE:])


@pytest.mark.parametrize("count", [1, 8, 17])
@pytest.mark.parametrize("place", [None, 0, STRIPE // 2 + 3, STRIPE - 1])
def test_a_living_neuron_is_called_dead(count: int, place: int | None) -> None:
    memory, rows, edges, weights = drawn(count)
    sources = memory[ROWS * STRIPE :].reshape(-1, STRIPE)
    sources[:] = 0
    if place is not None:
        sources[rows[-1], place] = 1 / weights[edges[-1]]
    alive = np.array([place is None])
    _activate(memory, rows, edges, weights, count, np.float32(-0.5), np.float32(0), alive)
    assert alive[0] == (place is not None)
    assert np.count_nonzero(row(memory, OWN)) == (place is not None)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("count", COUNTS)
def test_an_edge_is_left_out_or_counted_twice_going_back(count: int, fresh: bool) -> None:
    memory, rows, edges, weights = drawn(count)
    memory[:STRIPE] = np.maximum(memory[:STRIPE], 0)
    activation = row(memory, OWN)
    targets = [row(memory, ROWS + r) for r in rows]
    gradient = aligned_zeros(31 * LANES)
    gradient[:] = np.nan if fresh else np.arange(31 * LANES)
    before = gradient.reshape(31, LANES).astype(np.float64).sum(axis=1)
    _backpropagate(memory, rows, edges, weights, count, gradient, 30, fresh)
    delta = sum(
        (float(weights[e]) * target for e, target in zip(edges, targets, strict=True)),
        start=np.zeros(STRIPE),
    )
    delta = np.where(activation > 0, delta, 0)
    np.testing.assert_allclose(row(memory, OWN), delta, rtol=1e-5, atol=1e-5)
    slopes = gradient.reshape(31, LANES).astype(np.float64).sum(axis=1)
    expected = before.copy()
    begun = 0.0 if fresh else before
    for edge, target in zip(edges, targets, strict=True):
        expected[edge] = activation @ target + np.broadcast_to(begun, 31)[edge]
    expected[30] = delta.sum() + np.broadcast_to(begun, 31)[30]
    np.testing.assert_allclose(slopes, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("count", COUNTS)
def test_an_edge_of_an_input_is_left_out_or_counted_twice(count: int, fresh: bool) -> None:
    memory, rows, edges, _ = drawn(count)
    before = memory.copy()
    gradient = aligned_zeros(30 * LANES)
    gradient[:] = np.nan if fresh else np.arange(30 * LANES)
    expected = gradient.reshape(30, LANES).astype(np.float64).sum(axis=1)
    for edge, target in zip(edges, (row(memory, ROWS + r) for r in rows), strict=True):
        expected[edge] = row(memory, OWN) @ target + (0.0 if fresh else expected[edge])
    _backpropagate_to_input(memory, rows, edges, count, gradient, fresh)
    slopes = gradient.reshape(30, LANES).astype(np.float64).sum(axis=1)
    np.testing.assert_allclose(slopes, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(memory, before)
