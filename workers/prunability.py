"""How many more weights a trained network could lose: magnitude pruning without retraining.

The paper asks whether a network that was pruned to a budget could be pruned further after training
("suboptimal sparsity", docs/paper.md). Here that is counted for every good network: its nonzero
weights are set to zero one after the other, the smallest magnitude first (of equal ones the first
in the row's order), and all points are classified after each. The count is that of the removals
before the first one after which the accuracy is below a bound; that a later removal might raise it
again does not count.
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
    """Number of weights that could go, None where there is no such number.

    Attributes:
        own: before the accuracy is lower than the network's own by more than 0.001 (an absolute
            difference: 0.1 % of all points); None where the network's accuracy is below
            `PRUNABLE_FROM`, or its weights are more than `PRUNABLE_UP_TO`.
        to_95: before it is below 0.95; None where the network's own is, or where `own` is None.
        to_995: before it is below 0.995, likewise.
    """

    own: int | None = None
    to_95: int | None = None
    to_995: int | None = None


def prunability(networks: Sequence[Trained], dataset: Dataset) -> list[Prunability]:
    """Counts for each network, whoever trained it; a network's do not depend on the others.

    The points are classified by the compiled kernel. On the CPU the first accuracy is therefore
    the row's own to the bit; of another trainer's networks it may differ by a point whose logit
    rounding decides.

    Args:
        networks: of any sizes, with one output.
        dataset: which they were trained and measured on.

    Returns:
        In the order of the networks.
    """
    found = [Prunability() for _ in networks]
    good = [i for i, network in enumerate(networks) if _is_counted(network)]
    if good:
        plans = [_plan(networks[i]) for i in good]
        floors = np.array([_floors(networks[i].accuracy, len(dataset)) for i in good])
        counts = _counts(plans, floors, dataset)
        for i, numbers in zip(good, counts.tolist(), strict=True):
            found[i] = Prunability(*(None if number < 0 else number for number in numbers))
    return found


def _is_counted(network: Trained) -> bool:
    if network.diverged or network.accuracy < PRUNABLE_FROM:
        return False
    return bool(np.count_nonzero(network.weights) <= PRUNABLE_UP_TO)


@dataclass(frozen=True, eq=False)
class _Plan:
    """A network as the kernel evaluates it, and in which order its weights go.

    Attributes:
        topology: of the neurons from which something leads to the output.
        layers: their weights and biases.
        removals: int64 [nonzero weights], the edge of the topology that goes at each step, or
            _NO_EFFECT for a weight that leads nowhere.
    """

    topology: Topology
    layers: Layers
    removals: NDArray[np.int64]


def _plan(trained: Trained) -> _Plan:
    layers = trained.layers
    leading = leads_to_output([weight for weight, _ in layers])
    sources = [np.ones(trained.sizes[0], np.bool_), *leading]
    targets = [*leading, np.ones(trained.sizes[-1], np.bool_)]
    small = [
        (weight[np.ix_(rows, columns)], bias[rows])
        for (weight, bias), columns, rows in zip(layers, sources, targets, strict=True)
    ]
    # A weight leads on where its target does; its source then does so as well.
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
    return _Plan(topology([weight != 0 for weight, _ in small]), small, removals)


def _floors(accuracy: float, points: int) -> list[int]:
    """Fewest correct predictions that are not below each bound; -1: the network itself is below."""
    hits = round(accuracy * points)
    floors = [hits - points // _PER_MILLE]
    for bound in (0.95, 0.995):
        # As SQL on the column `accuracy` compares: by the quotient as a float.
        fewest = next(h for h in range(int(bound * points), points + 1) if h / points >= bound)
        floors.append(fewest if hits >= fewest else -1)
    return floors


def _counts(
    plans: Sequence[_Plan], floors: NDArray[np.int64], dataset: Dataset
) -> NDArray[np.int64]:
    """Removals before each floor is crossed, int64 [networks, bounds]; -1 where there is none."""
    counts = np.full_like(floors, -1)
    points = all_points(dataset)
    neurons = max(plan.topology.hidden for plan in plans) + 1
    networks = pack([plan.topology for plan in plans], [plan.layers for plan in plans])
    count_removals(
        networks,
        dataset.features,
        points,
        len(dataset),
        empty_programs(networks, dataset.features),
        aligned_zeros(neurons * STRIPE),
        aligned_zeros(2 * (neurons + dataset.features) * PIECE),
        aligned_zeros(len(points)),
        np.zeros(max(len(plan.topology.flat) for plan in plans), np.int64),
        np.concatenate([plan.removals for plan in plans]),
        np.cumsum([0, *(len(plan.removals) for plan in plans)]),
        floors,
        counts,
    )
    return counts
