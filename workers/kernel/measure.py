"""Accuracy and loss of packed networks over a whole data set."""

from __future__ import annotations

import numpy as np

from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.forward import logits
from workers.kernel.loss import correct, cross_entropy
from workers.kernel.networks import Networks
from workers.kernel.points import all_points
from workers.kernel.programs import empty_programs, write_forward
from workers.kernel.simd import BLOCK, LANES, STRIPE, aligned_zeros, fold, load, store_lanes

STRIPES_PER_CHUNK = 39
"""Stripes evaluated at a time by all networks: 80 KB of the Cubist Spiral, which fits in L2."""


def evaluate_networks(networks: Networks, dataset: Dataset) -> tuple[list[float], list[float]]:
    """Return each network's summed loss and its number of correct predictions over all points.

    Args:
        networks: the packed networks.
        dataset: the points to evaluate on.
    """
    losses = np.zeros(len(networks.edges))
    hits = np.zeros(len(networks.edges))
    _evaluate(
        networks,
        dataset.features,
        all_points(dataset),
        empty_programs(networks, dataset.features),
        aligned_zeros((int(networks.hidden.max()) + 1) * STRIPE),
        aligned_zeros(2 * LANES),
        losses,
        hits,
    )
    return losses.tolist(), hits.tolist()


@compiled
def _evaluate(networks, features, points, programs, workspace, sums, losses, hits):  # type: ignore[no-untyped-def]
    """Add every network's loss and correct predictions over all points.

    Args:
        networks: `Networks`.
        features: number of features of a point.
        points: in the layout of `all_points`.
        programs: `workers.kernel.programs.Programs`, empty.
        workspace: float32 [(hidden neurons + 1) * STRIPE], for the largest network, 64-byte
            aligned.
        sums: float32 [2 * LANES], 64-byte aligned scratch. Blocks are summed in float32, and the
            sums of blocks are accumulated in float64.
        losses: float64 [networks], zeros; the summed binary cross-entropy is added.
        hits: float64 [networks], zeros; the number of correctly classified points is added.
    """
    size = (features + 2) * STRIPE
    for g in range(networks.edges.shape[0]):
        write_forward(networks, g, programs, True)
    # All networks evaluate one chunk before the next: all points together exceed L2.
    for first in range(0, points.shape[0], STRIPES_PER_CHUNK * size):
        last = min(first + STRIPES_PER_CHUNK * size, points.shape[0])
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
