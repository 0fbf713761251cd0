"""The compiled part of `workers.prunability`: removing weights and classifying all points.

Most removals change next to nothing, so most points need no second look. Before a number of
removals, one pass bounds for each point how far all of them together can move its logit, rounding
included. The points that are sure to stay on their side are counted once; only the others, the
points *at risk*, are classified after each removal. What is counted is exactly what classifying
all points each time would count.
"""

from __future__ import annotations

import numpy as np

from workers.kernel.compiled import compiled, inlined
from workers.kernel.forward import logits
from workers.kernel.loss import correct
from workers.kernel.programs import write_forward
from workers.kernel.risk import points_at_risk
from workers.kernel.simd import (
    BLOCK,
    STRIPE,
    add,
    fold,
    lane_sum,
    load,
    splat_lanes,
)

_CHUNK = 2048 // STRIPE
"""Stripes of points after which it is asked whether the outcome is decided."""

_BOUNDED_FROM = 64
"""Weights from which a network is large enough for the pass over the bounds to pay."""

_FEWEST_AHEAD = 4
_MOST_AHEAD = 32
"""Removals that one pass bounds: fewer where many points are at risk, more where few are."""


@inlined
def _hits(networks, g, features, points, number, floor, programs, workspace):  # type: ignore[no-untyped-def]
    """Number of correct predictions, or some number below `floor` once it must be below."""
    size = (features + 2) * STRIPE
    stripes = (number + STRIPE - 1) // STRIPE
    hits = 0
    for first in range(0, stripes, _CHUNK):
        last = min(first + _CHUNK, stripes)
        right = splat_lanes(np.float32(0))
        for stripe in range(first, last):
            output = logits(networks, g, points, stripe * size, programs, workspace)
            for block in range(0, STRIPE, BLOCK):
                label = stripe * size + features * STRIPE + block
                labels, scales = load(points, label), load(points, label + STRIPE)
                right = add(right, fold(correct(load(workspace, output + block), labels, scales)))
        hits += int(lane_sum(right))
        if hits + max(0, number - last * STRIPE) < floor:
            return floor - 1
    return hits


@compiled
def count_removals(  # type: ignore[no-untyped-def]
    networks,
    features,
    points,
    number,
    programs,
    workspace,
    reach,
    risky,
    going,
    removals,
    bounds,
    floors,
    counts,
):
    """Removes the weights of each network until its accuracy has crossed every floor.

    Args:
        networks: `workers.kernel.networks.Networks`; weights are set to zero.
        features: of a point.
        points: all of them, as `workers.kernel.points.all_points` has them.
        number: of the points.
        programs: `workers.kernel.programs.Programs`, unwritten.
        workspace: float32 [(hidden neurons + 1) * STRIPE], for the largest network.
        reach: float32 [2 * (hidden neurons + features) * PIECE], likewise.
        risky: float32 like `points`. All of these three are 64-byte aligned scratch.
        going: int64 [edges], of the largest network, zeros.
        removals: int64, edges in the order in which they go, a network behind the other; negative
            for a weight that leads nowhere.
        bounds: int64 [networks + 1], where each network's removals begin.
        floors: int64 [networks, bounds], correct predictions needed; -1: not asked for.
        counts: int64 [networks, bounds], removals before fewer were correct, written where asked
            for.
    """
    for g in range(networks.edges.shape[0]):
        weights = networks.parameter_start[g]
        steps = bounds[g + 1] - bounds[g]
        for bound in range(floors.shape[1]):
            if floors[g, bound] >= 0:
                counts[g, bound] = steps
        step = 0
        ahead = _FEWEST_AHEAD
        while step < steps:
            last = min(step + ahead, steps)
            # The next ones that go stay in the program, as zeros, until it is written again.
            write_forward(networks, g, programs, False)
            looked_at, few, safe_hits = points, number, 0
            if networks.edges[g] >= _BOUNDED_FROM:
                _mark(removals, bounds[g] + step, bounds[g] + last, going, 1)
                few, safe_hits = points_at_risk(
                    networks, g, features, points, number, going, programs, workspace, reach, risky
                )
                _mark(removals, bounds[g] + step, bounds[g] + last, going, 0)
                looked_at = risky
                if few * 2 > number:
                    looked_at, few, safe_hits = points, number, 0
                    ahead = max(_FEWEST_AHEAD, ahead // 2)
                elif few * 8 < number:
                    ahead = min(_MOST_AHEAD, ahead * 2)
            while step < last:
                edge = removals[bounds[g] + step]
                if edge >= 0:
                    lowest = number + 1
                    for bound in range(floors.shape[1]):
                        if counts[g, bound] == steps:
                            lowest = min(lowest, floors[g, bound])
                    if lowest > number:
                        step = steps
                        break
                    networks.parameters[weights + edge] = np.float32(0)
                    floor = lowest - safe_hits
                    hits = safe_hits + _hits(
                        networks, g, features, looked_at, few, floor, programs, workspace
                    )
                    for bound in range(floors.shape[1]):
                        if counts[g, bound] == steps and hits < floors[g, bound]:
                            counts[g, bound] = step
                step += 1


@compiled
def _mark(removals, first, last, going, value):  # type: ignore[no-untyped-def]
    """Writes a value for the edges of removals `first` to `last` (exclusive) that have one."""
    for place in range(first, last):
        if removals[place] >= 0:
            going[removals[place]] = value
