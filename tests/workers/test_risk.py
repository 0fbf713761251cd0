"""Points classified as safe keep their prediction when the weights are removed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from search.layers import Layers
from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.packing import pack, topology
from workers.kernel.points import all_points
from workers.kernel.programs import empty_programs, write_forward
from workers.kernel.risk import points_at_risk
from workers.kernel.simd import PIECE, STRIPE, aligned_zeros

POINTS = 5 * STRIPE + 3
GOING = 3


@compiled
def _look(  # type: ignore[no-untyped-def]
    networks, features, points, number, going, programs, workspace, reach, risky, found
):
    write_forward(networks, 0, programs, False)
    found[0], found[1] = points_at_risk(
        networks, 0, features, points, number, going, programs, workspace, reach, risky
    )


def spread(seed: int) -> Dataset:
    """Points in the order of their angle, so that neighbours are similar; some at the origin."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, POINTS))
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0, 2, (POINTS, 1))
    points[:9] = 0
    return Dataset("spread", points.astype(np.float32), (points[:, 0] > 0.3).astype(np.float32))


def drawn(sizes: tuple[int, ...], seed: int) -> Layers:
    """Random weights, a fifth of them zero, and biases."""
    rng = np.random.default_rng(seed)
    layers = []
    for n_in, n_out in pairwise(sizes):
        weight = rng.normal(size=(n_out, n_in)) * (rng.random((n_out, n_in)) < 0.8)
        layers.append((weight.astype(np.float32), rng.normal(size=n_out).astype(np.float32)))
    return layers


def logits(layers: Layers, points: NDArray[np.float32]) -> NDArray[np.float32]:
    values = points
    for number, (weight, bias) in enumerate(layers):
        values = (np.maximum(values, 0) if number else values) @ weight.T + bias
    return values[:, 0]


@pytest.mark.parametrize("sizes", [(2, 8, 1), (2, 7, 3, 3, 1), (2, 16, 16, 16, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_safe_points_keep_their_prediction(sizes: tuple[int, ...], seed: int) -> None:
    dataset, layers = spread(seed), drawn(sizes, seed)
    # Moves the decision boundary into the points.
    layers[-1][1][0] -= np.median(logits(layers, dataset.points))
    networks = pack([topology([weight != 0 for weight, _ in layers])], [layers])
    programs, points = empty_programs(networks, 2), all_points(dataset)
    weights = np.concatenate([weight.ravel() for weight, _ in layers])
    goes = np.argsort(np.where(weights != 0, np.abs(weights), np.inf))[:GOING]
    going = np.zeros(networks.edges[0], np.int64)
    going[np.searchsorted(np.flatnonzero(weights), goes)] = 1
    rows = int(networks.hidden[0]) + 3
    risky, found = np.full_like(points, np.nan), np.zeros(2, np.int64)
    _look(
        networks,
        2,
        points,
        POINTS,
        going,
        programs,
        aligned_zeros(rows * STRIPE),
        aligned_zeros(2 * rows * PIECE),
        risky,
        found,
    )
    count, right = (int(number) for number in found)
    stripes = risky[: -(-count // STRIPE) * 4 * STRIPE].reshape(-1, 4, STRIPE)
    x, y, labels, scales = np.concatenate([*stripes, np.zeros((4, 0))], axis=1)
    assert 0 < count < POINTS, "all points are safe, or none"
    assert scales.tolist() == [1] * count + [0] * (len(scales) - count)
    at_risk = {tuple(point) for point in np.stack([x, y, labels], axis=1)[:count].tolist()}
    rows_of = np.column_stack([dataset.points, dataset.labels]).tolist()
    safe = np.array([tuple(point) not in at_risk for point in rows_of])
    assert safe.sum() == POINTS - count
    side = logits(layers, dataset.points) > 0
    assert right == np.count_nonzero((side == (dataset.labels > 0.5)) & safe)
    rng = np.random.default_rng(seed)
    for subset in (np.ones(GOING, np.bool_), *(rng.random((30, GOING)) < 0.5)):
        left = weights.copy()
        left[goes[subset]] = 0
        changed = []
        for weight, bias in layers:
            changed.append((left[: weight.size].reshape(weight.shape), bias))
            left = left[weight.size :]
        assert np.array_equal((logits(changed, dataset.points) > 0)[safe], side[safe])
