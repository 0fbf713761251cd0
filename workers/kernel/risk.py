"""Which points' predictions could change while some weights of a network go.

A neuron's *radius* bounds how far its value can move, for one point. With r for a source's radius
and a for its magnitude, a weight w moves its target by |w| r at most, or by |w| (a + r) if it may
go; rounding moves both. ReLU moves no further than what it is given, and not at all while that
stays below zero. A point whose logit is further from zero than its radius stays on its side.
"""

from __future__ import annotations

import numpy as np

from workers.kernel.compiled import compiled
from workers.kernel.loss import correct
from workers.kernel.simd import (
    PIECE,
    STRIPE,
    add,
    any_bit,
    fma,
    fold,
    item,
    lane_sum,
    load_piece,
    magnitude,
    relu,
    splat_piece,
    store_piece,
    where_positive,
)


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
def _store_reach(reach, source, radius, size):  # type: ignore[no-untyped-def]
    """Writes a source's radius, by which a weight that stays moves its target, and its reach."""
    store_piece(reach, 2 * source * PIECE, radius)
    store_piece(reach, (2 * source + 1) * PIECE, add(size, radius))


@compiled
def _sum_of(  # type: ignore[no-untyped-def]
    networks, g, m, points, place, going, rounding, programs, workspace, reach
):
    """Weighted sum of neuron m for a piece of points, and its radius."""
    weights = networks.parameter_start[g]
    hidden = networks.hidden[g]
    bias = item(networks.parameters, weights + networks.edges[g] + m)
    z = splat_piece(bias)
    radius = splat_piece(rounding * abs(bias))
    first = item(networks.in_bounds, networks.in_start[g] + m)
    for k in range(first, first + item(programs.in_count, m)):
        edge = item(programs.in_edge, k)
        row = item(programs.in_row, k)
        weight = item(networks.parameters, weights + edge)
        if m < networks.first_hidden[g]:
            source = load_piece(points, place + row * STRIPE)
            row += hidden
        else:
            # The dead move nothing, and each point's neighbours have the same ones.
            if not any_bit(load_piece(reach, (2 * row + 1) * PIECE)):
                continue
            source = load_piece(workspace, row * PIECE)
        far = load_piece(reach, (2 * row + item(going, edge)) * PIECE)
        z = fma(splat_piece(weight), source, z)
        radius = fma(splat_piece(abs(weight)), far, radius)
    return z, fma(splat_piece(rounding), radius, radius)


@compiled
def _bounded(  # type: ignore[no-untyped-def]
    networks, g, features, points, place, going, rounding, programs, workspace, reach
):
    """Logits of a piece of points, and their radii; `place` is where its first feature begins."""
    hidden = networks.hidden[g]
    for feature in range(features):
        size = magnitude(load_piece(points, place + feature * STRIPE))
        radius = fma(splat_piece(rounding), size, splat_piece(np.float32(0)))
        _store_reach(reach, hidden + feature, radius, size)
    for m in range(hidden):
        z, radius = _sum_of(
            networks, g, m, points, place, going, rounding, programs, workspace, reach
        )
        activation = relu(z)
        radius = where_positive(add(z, radius), radius)
        radius = fma(splat_piece(rounding), activation, radius)
        store_piece(workspace, m * PIECE, activation)
        _store_reach(reach, m, radius, activation)
    return _sum_of(networks, g, hidden, points, place, going, rounding, programs, workspace, reach)


@compiled
def points_at_risk(  # type: ignore[no-untyped-def]
    networks, g, features, points, number, going, programs, workspace, reach, risky
):
    """Copies the points whose prediction may change into `risky`.

    Args:
        networks: `workers.kernel.networks.Networks`.
        g: which of them.
        features: of a point.
        points: as `workers.kernel.points.all_points` has them.
        number: of the points.
        going: int64, for each of the network's weights 1 where it may go, else 0.
        programs: `workers.kernel.programs.Programs`, with the network's nonzero weights listed.
        workspace: float32 [hidden neurons * PIECE], scratch for activations.
        reach: float32 [2 * (hidden neurons + features) * PIECE], scratch for r and a + r of each
            neuron, and behind them of each input.
        risky: float32 like `points`, written.

    Returns:
        (number of these points, number of the others that are classified correctly).
    """
    rounding = _rounding(networks, g)
    size = (features + 2) * STRIPE
    count = 0
    hits = 0
    for first in range(0, number, PIECE):
        place = first // STRIPE * size + first % STRIPE
        logits, radii = _bounded(
            networks, g, features, points, place, going, rounding, programs, workspace, reach
        )
        filled = min(PIECE, number - first)
        # A NaN is at risk.
        margin = fma(splat_piece(np.float32(-1)), radii, magnitude(logits))
        safe = where_positive(margin, splat_piece(np.float32(1)))
        label = place + features * STRIPE
        labels, scales = load_piece(points, label), load_piece(points, label + STRIPE)
        right = correct(logits, labels, scales)
        # Neighbours in the data set are neighbours in space: in most pieces nobody is at risk.
        if filled == PIECE and int(lane_sum(fold(safe))) == PIECE:
            hits += int(lane_sum(fold(right)))
            continue
        store_piece(reach, 0, safe)
        store_piece(workspace, 0, right)
        for s in range(filled):
            if reach[s] > 0:
                hits += int(workspace[s])
            else:
                put = count // STRIPE * size + count % STRIPE
                for row in range(features + 2):
                    risky[put + row * STRIPE] = points[place + row * STRIPE + s]
                count += 1
    if count % STRIPE:
        # Points of weight 0 fill up the last stripe.
        start = count // STRIPE * size
        for s in range(count % STRIPE, STRIPE):
            for row in range(features + 2):
                risky[start + row * STRIPE + s] = np.float32(0)
    return count, hits
