"""Optimal brain surgeon with the exact Hessian, against finite differences of the loss."""

from __future__ import annotations

import numpy as np

from benchmarks.elimination_variants import DAMPING, HessianNetwork
from pruning.saliency import Floats, Unrolled
from pruning.segments import dense_network
from search.layers import by_layer

SIZES = np.array([2, 3, 2, 1])
SHAPES = [(3, 2), (2, 3), (1, 2)]
WEIGHTS = 14
STEP = 1e-4


def test_removal_is_the_one_that_the_hessian_of_the_loss_asks_for() -> None:
    drawn = np.random.default_rng(0)
    points = drawn.normal(size=(200, 2))
    sample = points, (points[:, 0] > 0).astype(np.float64)
    parameters = drawn.normal(size=WEIGHTS + SIZES[1:].sum()).astype(np.float32).astype(np.float64)

    def loss(*changes: Floats) -> float:
        weights, biases = np.split(parameters + sum(changes), [WEIGHTS])
        return Unrolled(np.ones(WEIGHTS, np.bool_), weights, biases, SIZES, *sample).loss()

    steps = STEP * np.eye(len(parameters))
    hessian = np.array(
        [[loss(p, q) - loss(p, -q) - loss(-p, q) + loss(-p, -q) for q in steps] for p in steps]
    ) / (4 * STEP**2)
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    inverse = (vectors / (np.abs(values) + DAMPING)) @ vectors.T
    saliencies = parameters[:WEIGHTS] ** 2 / np.diagonal(inverse)[:WEIGHTS]
    removed = int(saliencies.argmin())
    expected = parameters - parameters[removed] * inverse[removed] / inverse[removed, removed]

    split = by_layer(parameters.astype(np.float32), [*SHAPES, *(shape[:1] for shape in SHAPES)])
    layers = list(zip(split[:3], split[3:], strict=True))
    network = HessianNetwork(dense_network(layers), sample, below=WEIGHTS)
    network.remove(network.least(1, exact=True))

    pruned = network.snapshot()
    masks = np.concatenate([mask.ravel() for mask in pruned.weight_masks])
    found = [*(w.ravel() for w, _ in pruned.layers), *(b for _, b in pruned.layers)]
    assert np.flatnonzero(~masks).tolist() == [removed]
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-3, atol=1e-4)
    assert np.ptp(np.concatenate(found) - parameters) > 0.01
