"""Number of weights that a trained network can still lose by magnitude pruning without retraining.

The paper asks whether a network that was pruned to a budget could be pruned further after training
("suboptimal sparsity", docs/paper.md). Every sufficiently accurate network is measured: its nonzero
weights are set to zero one by one, smallest magnitude first (ties in the order of the row), and all
points are classified after each removal. The result is the number of removals before accuracy first
falls below a bound, even if a later removal raises it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.connectivity import leads_to_output
from search.layers import Layers
from search.schema import PRUNABLE_FROM, PRUNABLE_UP_TO
from workers.datasets import Dataset
from workers.kernel.packing import Topology, pack, topology
from workers.kernel.points import all_points
from workers.kernel.programs import empty_programs
from workers.kernel.removals import count_removals
from workers.kernel.simd import PIECE, STRIPE, aligned_zeros
from workers.trained import Trained

_PER_MILLE = 1000
_NO_EFFECT = -1


@dataclass(frozen=True)
class Prunability:
    """Numbers of weights that can be removed; None where undefined.

    Attributes:
        own: removals before accuracy is more than 0.001 (0.1 % of all points) below the network's
            own; None if the network's accuracy is below `PRUNABLE_FROM` or it has more than
            `PRUNABLE_UP_TO` weights.
        to_95: removals before accuracy is below 0.95; None if it is at the start, or `own` is None.
        to_995: removals before accuracy is below 0.995; None likewise.
    """

    own: int | None = None
    to_95: int | None = None
    to_995: int | None = None


def prunability(networks: Sequence[Trained], dataset: Dataset) -> list[Prunability]:
    """Return the counts of each network, in order; they do not depend on the other networks.

    The compiled kernel classifies the points. For networks trained on the CPU, the initial accuracy
    therefore equals the row's bit for bit. For another trainer's networks it may differ in points
    whose logit is near zero.
    """
    results = [Prunability() for _ in networks]
    counted = [
        i
        for i, network in enumerate(networks)
        if not network.diverged
        and network.accuracy >= PRUNABLE_FROM
        and np.count_nonzero(network.weights) <= PRUNABLE_UP_TO
    ]
    if counted:
        plans = [_plan(networks[i]) for i in counted]
        floors = np.array([_floors(networks[i].accuracy, len(dataset)) for i in counted])
        counts = _counts(plans, floors, dataset)
        for i, numbers in zip(counted, counts.tolist(), strict=True):
            results[i] = Prunability(*(None if number < 0 else number for number in numbers))
    return results


_Plan = tuple[Topology, Layers, NDArray[np.int64]]
"""The edges between the neurons that are connected to an output, their weights and biases, and the
edge removed in each step, int64 [nonzero weights]: _NO_EFFECT for a weight that is not connected to
an output."""


def _plan(trained: Trained) -> _Plan:
    """Return a network in the kernel's representation, and the order of its removals."""
    layers = trained.layers
    hidden_connected = leads_to_output([weight for weight, _ in layers])
    sources = [np.ones(trained.sizes[0], np.bool_), *hidden_connected]
    targets = [*hidden_connected, np.ones(trained.sizes[-1], np.bool_)]
    small = [
        (weight[np.ix_(rows, columns)], bias[rows])
        for (weight, bias), columns, rows in zip(layers, sources, targets, strict=True)
    ]
    # A weight is connected to an output if its target is; then its source is too.
    reaches_output = np.concatenate(
        [
            np.repeat(rows, weight.shape[1])
            for (weight, _), rows in zip(layers, targets, strict=True)
        ]
    )
    nonzero = trained.weights != 0
    reaches_output = reaches_output[trained.weight_index[nonzero]]
    edges = np.where(reaches_output, np.cumsum(reaches_output) - 1, _NO_EFFECT)
    removals = edges[np.argsort(np.abs(trained.weights[nonzero]), kind="stable")]
    return topology([weight != 0 for weight, _ in small]), small, removals


def _floors(accuracy: float, points: int) -> list[int]:
    """Return the fewest correct predictions that meet each bound; -1 if the network misses it."""
    hits = round(accuracy * points)
    floors = [hits - points // _PER_MILLE]
    for bound in (0.95, 0.995):
        # Compare the quotient as a float, as SQL compares the column `accuracy`.
        fewest = next(h for h in range(int(bound * points), points + 1) if h / points >= bound)
        floors.append(fewest if hits >= fewest else -1)
    return floors


def _counts(
    plans: Sequence[_Plan], floors: NDArray[np.int64], dataset: Dataset
) -> NDArray[np.int64]:
    """Return the removals before each floor is crossed, int64 [networks, bounds]; -1: undefined."""
    counts = np.full_like(floors, -1)
    points = all_points(dataset)
    shapes, layers, removals = zip(*plans, strict=True)
    neurons = max(shape.hidden + shape.sizes[-1] for shape in shapes)
    networks = pack(shapes, layers)
    count_removals(
        networks,
        dataset.features,
        points,
        len(dataset),
        empty_programs(networks, dataset.features),
        aligned_zeros(neurons * STRIPE),
        aligned_zeros(2 * (neurons + dataset.features) * PIECE),
        aligned_zeros(len(points)),
        np.zeros(int(networks.edges.max()), np.int64),
        np.concatenate(removals),
        np.cumsum([0, *map(len, removals)]),
        floors,
        counts,
    )
    return counts
