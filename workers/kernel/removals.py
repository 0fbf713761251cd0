"""Compiled part of `workers.prunability`: remove weights and classify all points.

Most removals change few predictions. One pass bounds how far the next several removals together can
move each point's logits, rounding included. Points that cannot change class are counted once; only
the others, the points *at risk*, are classified after each removal. The counts equal those of
classifying all points after every removal.
"""

from __future__ import annotations

import numpy as np

from workers.kernel.compiled import compiled, inlined
from workers.kernel.neurons import logits
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
from workers.kernel.softmax import correct_of

_CHUNK = 2048 // STRIPE
"""Number of stripes between checks whether the outcome is decided."""

_MIN_WEIGHTS_TO_BOUND = 64
"""Minimum number of weights for which the bounding pass saves time."""

_MIN_LOOKAHEAD = 4
_MAX_LOOKAHEAD = 32
"""Limits on the number of removals per bounding pass: more when few points are at risk."""


@inlined
def _hits(networks, g, features, points, number, floor, programs, workspace):  # type: ignore[no-untyped-def]
    """Count correct predictions; return some number below `floor` once the count must be below."""
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
                hit = correct_of(workspace, output + block, networks.outputs[g], labels, scales)
                right = add(right, fold(hit))
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
    radii,
    at_risk,
    removable,
    removals,
    bounds,
    floors,
    counts,
):
    """Remove each network's weights in order until its accuracy has crossed every floor.

    Arrays:
        networks: `workers.kernel.packing.PackedNetworks`; weights are set to zero.
        points, number: all points, in the layout of `workers.kernel.points.all_points`.
        programs: `workers.kernel.programs.Programs`, empty.
        workspace: float32 [neurons * STRIPE], for the largest network, 64-byte aligned scratch;
            neurons are the hidden ones and the outputs.
        radii: float32 [2 * (neurons + features) * PIECE], likewise.
        at_risk: float32, shape of `points`, likewise.
        removable: int64 [edges], for the largest network, zeros.
        removals: int64, the edges to remove in order, one network after another; negative for a
            weight on no path, whose removal changes nothing.
        bounds: int64 [networks + 1], offsets of each network's removals.
        floors: int64 [networks, bounds], correct predictions required; -1 to skip.
        counts: int64 [networks, bounds], number of removals before the floor was crossed, written
            where `floors` is not -1.
    """
    for g in range(networks.edges.shape[0]):
        weights = networks.parameter_start[g]
        steps = bounds[g + 1] - bounds[g]
        for bound in range(floors.shape[1]):
            if floors[g, bound] >= 0:
                counts[g, bound] = steps
        step = 0
        lookahead = _MIN_LOOKAHEAD
        while step < steps:
            last = min(step + lookahead, steps)
            # The next removals stay in the program as zero weights until it is written again.
            write_forward(networks, g, programs, False)
            checked, checked_count, safe_hits = points, number, 0
            if networks.edges[g] >= _MIN_WEIGHTS_TO_BOUND:
                _mark(removals, bounds[g] + step, bounds[g] + last, removable, 1)
                checked_count, safe_hits = points_at_risk(
                    networks,
                    g,
                    features,
                    points,
                    number,
                    removable,
                    programs,
                    workspace,
                    radii,
                    at_risk,
                )
                _mark(removals, bounds[g] + step, bounds[g] + last, removable, 0)
                checked = at_risk
                if checked_count * 2 > number:
                    checked, checked_count, safe_hits = points, number, 0
                    lookahead = max(_MIN_LOOKAHEAD, lookahead // 2)
                elif checked_count * 8 < number:
                    lookahead = min(_MAX_LOOKAHEAD, lookahead * 2)
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
                        networks, g, features, checked, checked_count, floor, programs, workspace
                    )
                    for bound in range(floors.shape[1]):
                        if counts[g, bound] == steps and hits < floors[g, bound]:
                            counts[g, bound] = step
                step += 1


@compiled
def _mark(removals, first, last, removable, value):  # type: ignore[no-untyped-def]
    """Write a value for the edges of removals `first` to `last` (exclusive)."""
    for step in range(first, last):
        if removals[step] >= 0:
            removable[removals[step]] = value
