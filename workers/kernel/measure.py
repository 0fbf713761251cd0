"""Accuracy and loss of packed networks over all points of a data set."""

from __future__ import annotations

import numpy as np

from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.forward import logits
from workers.kernel.loss import correct, cross_entropy
from workers.kernel.networks import Networks
from workers.kernel.points import all_points
from workers.kernel.programs import unwritten, write_forward
from workers.kernel.simd import BLOCK, LANES, STRIPE, aligned_zeros, fold, load, store_lanes

STRIPES_AT_ONCE = 39
"""Stripes of points taken at a time: with the paper's points 80 KB, as in `workers.kernel.sgd`."""


def evaluate_networks(networks: Networks, dataset: Dataset) -> tuple[list[float], list[float]]:
    """Sum of the loss and number of correct predictions over all points, a network each.

    Args:
        networks: packed.
        dataset: what to measure on.
    """
    losses = np.zeros(len(networks.edges))
    hits = np.zeros(len(networks.edges))
    _evaluate(
        networks,
        dataset.features,
        all_points(dataset),
        unwritten(networks, dataset.features),
        aligned_zeros((int(networks.hidden.max()) + 1) * STRIPE),
        aligned_zeros(2 * LANES),
        losses,
        hits,
    )
    return losses.tolist(), hits.tolist()


@compiled
def _evaluate(networks, features, points, programs, workspace, sums, losses, hits):  # type: ignore[no-untyped-def]
    """Sums of loss and of correct predictions of every network over all points.

    Args:
        networks: `Networks`.
        features: of a point.
        points: as `all_points` has them.
        programs: `workers.kernel.programs.Programs`, unwritten.
        workspace: float32 [(hidden neurons + 1) * STRIPE], for the largest network, 64-byte
            aligned.
        sums: float32 [2 * LANES], 64-byte aligned scratch. A block's sums are exact enough in
            float32; the sum over all blocks is kept in float64.
        losses: float64 [networks], zeros: the sum of binary cross-entropy is added.
        hits: float64 [networks], zeros: the number of points classified correctly is added.
    """
    size = (features + 2) * STRIPE
    for g in range(networks.edges.shape[0]):
        write_forward(networks, g, programs, True)
    # Some stripes of all networks, then the next ones: all points are more than L2 holds.
    for first in range(0, points.shape[0], STRIPES_AT_ONCE * size):
        last = min(first + STRIPES_AT_ONCE * size, points.shape[0])
        for g in range(networks.edges.shape[0]):
            loss = losses[g]
            hit = hits[g]
            for stripe in range(first, last, size):
                output = logits(networks, g, points, stripe, programs, workspace)
                for block in range(0, STRIPE, BLOCK):
                    label = stripe + features * STRIPE + block
                    logit = load(workspace, output + block)
                    labels, scales = load(points, label), load(points, label + STRIPE)
                    store_lanes(sums, 0, fold(cross_entropy(logit, labels, scales)))
                    store_lanes(sums, LANES, fold(correct(logit, labels, scales)))
                    for lane in range(LANES):
                        loss += sums[lane]
                        hit += sums[LANES + lane]
            losses[g] = loss
            hits[g] = hit
