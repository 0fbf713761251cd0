"""Accuracy, loss and active neurons of packed networks over a whole data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.layers import Layers
from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.neurons import logits
from workers.kernel.packing import PackedNetworks, pack, topology
from workers.kernel.points import all_points
from workers.kernel.programs import empty_programs, write_forward
from workers.kernel.simd import (
    BLOCK,
    LANES,
    STRIPE,
    add,
    aligned_zeros,
    fold,
    load,
    load_lanes,
    store_lanes,
    where_positive,
)
from workers.kernel.softmax import correct_of, losses_of

STRIPES_PER_CHUNK = 39
"""Stripes evaluated at a time by all networks: 80 KB of the Cubist Spiral, which fits in L2."""


class Evaluation(NamedTuple):
    """Measurements of networks over all points, one entry for each network.

    Attributes:
        losses: summed loss.
        hits: number of correct predictions.
        active_points: int64 [hidden neurons], number of points at which each hidden neuron is
            active, hidden layer by layer.
    """

    losses: list[float]
    hits: list[float]
    active_points: list[NDArray[np.int64]]


def evaluate_networks(
    networks: PackedNetworks, dataset: Dataset, *, losses_only: bool = False
) -> Evaluation:
    """Measure packed networks over all points of a data set.

    With `losses_only` the other measurements are zeros, which saves a third of the time.
    """
    losses = np.zeros(len(networks.edges))
    hits = np.zeros(len(networks.edges))
    active = aligned_zeros(len(networks.in_bounds) * LANES)
    _evaluate(
        networks,
        dataset.features,
        all_points(dataset),
        empty_programs(networks, dataset.features),
        aligned_zeros(int((networks.hidden + networks.outputs).max()) * STRIPE),
        aligned_zeros(2 * LANES),
        losses_only,
        losses,
        hits,
        active,
    )
    counts = active.reshape(-1, LANES).sum(axis=1, dtype=np.float64).astype(np.int64)
    active_points = [
        counts[start : start + hidden]
        for start, hidden in zip(networks.in_start, networks.hidden, strict=True)
    ]
    return Evaluation(losses.tolist(), hits.tolist(), active_points)


def evaluate_layers(networks: Sequence[Layers], dataset: Dataset) -> Evaluation:
    """Measure networks, given as matrices with masked weights zero, over all points."""
    shapes = [topology([weight != 0 for weight, _ in layers]) for layers in networks]
    return evaluate_networks(pack(shapes, networks), dataset)


@compiled
def _evaluate(  # type: ignore[no-untyped-def]
    networks, features, points, programs, workspace, sums, losses_only, losses, hits, active
):
    """Add every network's loss, correct predictions and active neurons over all points.

    Arrays:
        points: in the layout of `all_points`.
        programs: `workers.kernel.programs.Programs`, empty.
        workspace: float32 [(hidden neurons + outputs) * STRIPE], for the largest network, 64-byte
            aligned.
        sums: float32 [2 * LANES], zeros, 64-byte aligned. Blocks are summed in float32, and the
            sums of blocks are accumulated in float64.
        losses_only: whether `hits` and `active` stay zero.
        losses, hits: float64 [networks], zeros; the summed cross-entropy and the number of
            correctly classified points are added.
        active: float32 [len(in_bounds) * LANES], zeros, 64-byte aligned; for hidden neuron m of
            network g, the register at (in_start[g] + m) * LANES gets partial counts of the points
            at which the neuron is active.
    """
    size = (features + 2) * STRIPE
    for g in range(networks.edges.shape[0]):
        write_forward(networks, g, programs, True)
    # All networks evaluate one chunk before the next: all points together exceed L2.
    for first in range(0, points.shape[0], STRIPES_PER_CHUNK * size):
        last = min(first + STRIPES_PER_CHUNK * size, points.shape[0])
        for g in range(networks.edges.shape[0]):
            outputs = networks.outputs[g]
            loss = losses[g]
            hit = hits[g]
            for stripe in range(first, last, size):
                output = logits(networks, g, points, stripe, programs, workspace)
                # A point counts with its weight, 1 or, in the padding, 0.
                weights = stripe + (features + 1) * STRIPE
                for m in range(0 if losses_only else networks.hidden[g]):
                    register = (networks.in_start[g] + m) * LANES
                    count = load_lanes(active, register)
                    for block in range(0, STRIPE, BLOCK):
                        activation = load(workspace, m * STRIPE + block)
                        count = add(
                            count, fold(where_positive(activation, load(points, weights + block)))
                        )
                    store_lanes(active, register, count)
                for block in range(0, STRIPE, BLOCK):
                    label = stripe + features * STRIPE + block
                    logit = output + block
                    labels, scales = load(points, label), load(points, label + STRIPE)
                    loss_block = losses_of(workspace, logit, outputs, labels, scales)
                    store_lanes(sums, 0, fold(loss_block))
                    if not losses_only:
                        hit_block = correct_of(workspace, logit, outputs, labels, scales)
                        store_lanes(sums, LANES, fold(hit_block))
                    for lane in range(LANES):
                        loss += sums[lane]
                        hit += sums[LANES + lane]
            losses[g] = loss
            hits[g] = hit
