"""The compiled part of `workers.prunability`: removing weights and classifying all points.

Most removals change next to nothing, so most points need no second look. Before a number of
removals, one pass bounds for each point how far all of them together can move its logit, rounding
included. The points that are sure to stay on their side are counted once; only the others, the
points *at risk*, are classified after each removal. What is counted is exactly what classifying
all points each time would count.
"""

from __future__ import annotations

import numpy as np

from workers.kernel.compiled import compiled
from workers.kernel.forward import logits
from workers.kernel.loss import correct
from workers.kernel.simd import (
    BLOCK,
    LANES,
    add,
    fma,
    fold,
    item,
    load,
    relu,
    splat,
    splat_lanes,
    store,
    store_lanes,
    where_positive,
)

_CHUNK = 2048 // BLOCK
"""Blocks of points after which it is asked whether the outcome is decided."""

_BOUNDED_FROM = 64
"""Weights from which a network is large enough for the pass over the bounds to pay."""

_FEWEST_AHEAD = 4
_MOST_AHEAD = 32
"""Removals that one pass bounds: fewer where many points are at risk, more where few are."""


@compiled
def _total(sums):  # type: ignore[no-untyped-def]
    """The sum of a stored register of counts."""
    total = 0
    for lane in range(LANES):
        total += int(sums[lane])
    return total


@compiled
def _hits(networks, g, features, rows, points, floor, workspace, sums):  # type: ignore[no-untyped-def]
    """Number of correct predictions, or some number below `floor` once it must be below."""
    block_size = (features + 2) * BLOCK
    blocks = (points + BLOCK - 1) // BLOCK
    hits = 0
    for first in range(0, blocks, _CHUNK):
        last = min(first + _CHUNK, blocks)
        right = splat_lanes(np.float32(0))
        for block in range(first, last):
            point = block * block_size
            logit = logits(networks, g, rows, point, workspace)
            label = load(rows, point + features * BLOCK)
            scale = load(rows, point + (features + 1) * BLOCK)
            right = add(right, fold(correct(logit, label, scale)))
        store_lanes(sums, 0, right)
        hits += _total(sums)
        if hits + max(0, points - last * BLOCK) < floor:
            return floor - 1
    return hits


@compiled
def _rounding(networks, g):  # type: ignore[no-untyped-def]
    """A relative error that no neuron's sum exceeds, for the sum and for what bounds it."""
    bounds = networks.in_start[g]
    most = 0
    for m in range(networks.hidden[g] + 1):
        count = networks.in_bounds[bounds + m + 1] - networks.in_bounds[bounds + m]
        most = max(most, count)
    return np.float32(4 * (most + 4) * 2.0**-24)


@compiled
def _bounded(networks, g, features, rows, point, going, rounding, workspace, radii):  # type: ignore[no-untyped-def]
    """Logits of a block, and how far they can move while weights go; both into the workspace.

    A neuron's radius bounds how far it can move: it moves with its sources, by each weight that
    goes, and by rounding. ReLU moves no further than what it is given, and not at all while that
    stays below zero.

    Args:
        networks: `Networks`.
        g: which of them.
        features: of a point.
        rows: all points.
        point: where the block begins.
        going: float32, for each of the network's weights its magnitude where it may go, else 0.
        rounding: of `_rounding`.
        workspace: activations, with the logits behind those of the last hidden neuron.
        radii: float32 like the workspace, the radii; behind them the magnitudes of the inputs.
    """
    weights = networks.parameter_start[g]
    biases = weights + networks.edges[g]
    bounds = networks.in_start[g]
    edge_start = networks.edge_start[g]
    hidden = networks.hidden[g]
    inputs = (hidden + 1) * BLOCK
    for feature in range(features):
        value = load(rows, point + feature * BLOCK)
        negative = fma(splat(np.float32(-1)), value, splat(np.float32(0)))
        store(radii, inputs + feature * BLOCK, add(relu(value), relu(negative)))
    for m in range(hidden + 1):
        bias = item(networks.parameters, biases + m)
        z = splat(bias)
        radius = splat(rounding * abs(bias))
        for e in range(
            item(networks.in_bounds, bounds + m), item(networks.in_bounds, bounds + m + 1)
        ):
            weight = item(networks.parameters, weights + e)
            goes = item(going, e)
            row = item(networks.in_row, edge_start + e) * BLOCK
            if m < networks.first_hidden[g]:
                z = fma(splat(weight), load(rows, point + row), z)
                magnitude = load(radii, inputs + row)
                radius = fma(splat(rounding * abs(weight)), magnitude, radius)
                if goes > 0:
                    radius = fma(splat(goes), magnitude, radius)
            else:
                source = load(workspace, row)
                source_radius = load(radii, row)
                z = fma(splat(weight), source, z)
                radius = fma(splat(abs(weight)), source_radius, radius)
                if goes > 0:
                    radius = fma(splat(goes), add(source, source_radius), radius)
        radius = fma(splat(rounding), radius, radius)
        if m < hidden:
            activation = relu(z)
            radius = where_positive(add(z, radius), radius)
            radius = fma(splat(rounding), activation, radius)
            store(workspace, m * BLOCK, activation)
        else:
            store(workspace, m * BLOCK, z)
        store(radii, m * BLOCK, radius)


@compiled
def _at_risk(  # type: ignore[no-untyped-def]
    networks, g, features, rows, points, going, workspace, radii, risky, sums
):
    """Copies the points whose prediction may change into `risky`.

    Returns:
        (number of these points, number of the others that are classified correctly).
    """
    rounding = _rounding(networks, g)
    block_size = (features + 2) * BLOCK
    output = networks.hidden[g] * BLOCK
    count = 0
    hits = 0
    for block in range((points + BLOCK - 1) // BLOCK):
        point = block * block_size
        _bounded(networks, g, features, rows, point, going, rounding, workspace, radii)
        filled = min(BLOCK, points - block * BLOCK)
        # Neighbours in the data set are neighbours in space: in most blocks nobody is at risk.
        z = load(workspace, output)
        negative = fma(splat(np.float32(-1)), z, splat(np.float32(0)))
        margin = fma(splat(np.float32(-1)), load(radii, output), add(relu(z), relu(negative)))
        safe = where_positive(margin, splat(np.float32(1)))
        label = load(rows, point + features * BLOCK)
        scale = load(rows, point + (features + 1) * BLOCK)
        store_lanes(sums, 0, fold(safe))
        if filled == BLOCK and _total(sums) == BLOCK:
            store_lanes(sums, 0, fold(correct(z, label, scale)))
            hits += _total(sums)
            continue
        for s in range(filled):
            logit = workspace[output + s]
            # Not the other way round: a NaN is at risk.
            if abs(logit) > radii[output + s]:
                hits += (logit > 0) == (rows[point + features * BLOCK + s] > np.float32(0.5))
            else:
                place = (count // BLOCK) * block_size + count % BLOCK
                for row in range(features + 2):
                    risky[place + row * BLOCK] = rows[point + row * BLOCK + s]
                count += 1
    if count % BLOCK:
        # Points of weight 0 fill up the last block.
        start = (count // BLOCK) * block_size
        for s in range(count % BLOCK, BLOCK):
            for row in range(features + 2):
                risky[start + row * BLOCK + s] = np.float32(0)
    return count, hits


@compiled
def count_removals(  # type: ignore[no-untyped-def]
    networks,
    features,
    rows,
    points,
    workspace,
    radii,
    risky,
    going,
    sums,
    removals,
    bounds,
    floors,
    counts,
):
    """Removes the weights of each network until its accuracy has crossed every floor.

    Args:
        networks: `Networks`; weights are set to zero.
        features: of a point.
        rows: all points in blocks, as `workers.kernel.points.all_points` has them.
        points: their number.
        workspace: float32 [(hidden neurons + 1) * BLOCK], for the largest network.
        radii: float32 [(hidden neurons + 1 + features) * BLOCK], likewise.
        risky: float32, as `rows`.
        going: float32 [edges], of the largest network, zeros.
        sums: float32 [LANES]. All of these five are 64-byte aligned scratch.
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
            looked_at, few, safe_hits = rows, points, 0
            if networks.edges[g] >= _BOUNDED_FROM:
                for place in range(step, last):
                    edge = removals[bounds[g] + place]
                    if edge >= 0:
                        going[edge] = abs(networks.parameters[weights + edge])
                few, safe_hits = _at_risk(
                    networks, g, features, rows, points, going, workspace, radii, risky, sums
                )
                looked_at = risky
                going[: networks.edges[g]] = np.float32(0)
                if few * 2 > points:
                    looked_at, few, safe_hits = rows, points, 0
                    ahead = max(_FEWEST_AHEAD, ahead // 2)
                elif few * 8 < points:
                    ahead = min(_MOST_AHEAD, ahead * 2)
            while step < last:
                edge = removals[bounds[g] + step]
                if edge >= 0:
                    lowest = points + 1
                    for bound in range(floors.shape[1]):
                        if counts[g, bound] == steps:
                            lowest = min(lowest, floors[g, bound])
                    if lowest > points:
                        step = steps
                        break
                    networks.parameters[weights + edge] = np.float32(0)
                    floor = lowest - safe_hits
                    hits = safe_hits + _hits(
                        networks, g, features, looked_at, few, floor, workspace, sums
                    )
                    for bound in range(floors.shape[1]):
                        if counts[g, bound] == steps and hits < floors[g, bound]:
                            counts[g, bound] = step
                step += 1
