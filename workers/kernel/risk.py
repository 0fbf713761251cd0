"""The points whose predictions could change when some weights of a network are removed.

A neuron's *radius* bounds how far its value can move for one point. For a source with radius r and
magnitude a, a weight w moves its target by at most |w| r, or |w| (a + r) if it may be removed, plus
rounding. ReLU does not increase a radius, and sets it to zero while the neuron stays inactive. A
point keeps its prediction if its only logit exceeds its radius in magnitude or, with several
classes, if the predicted class's logit minus its radius exceeds all others plus theirs.
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
    maximum,
    relu,
    splat_piece,
    store_piece,
    subtract,
    where_equal,
    where_greater,
    where_positive,
)


@compiled
def _rounding(networks, g):  # type: ignore[no-untyped-def]
    """Return an upper bound on the relative rounding error of any neuron's sum and radius."""
    bounds = networks.in_start[g]
    most = 0
    for m in range(networks.hidden[g] + networks.outputs[g]):
        count = networks.in_bounds[bounds + m + 1] - networks.in_bounds[bounds + m]
        most = max(most, count)
    return np.float32(4 * (most + 4) * 2.0**-24)


@compiled
def _store_radii(radii, source, radius, size):  # type: ignore[no-untyped-def]
    """Write the factors of a source: r for weights that stay, a + r for removable ones."""
    store_piece(radii, 2 * source * PIECE, radius)
    store_piece(radii, (2 * source + 1) * PIECE, add(size, radius))


@compiled
def _weighted_sum(  # type: ignore[no-untyped-def]
    networks, g, m, points, offset, removable, rounding, programs, workspace, radii
):
    """Return the weighted sum of neuron m for a piece of points, and its radius."""
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
            source = load_piece(points, offset + row * STRIPE)
            row += hidden
        else:
            # A dead source moves nothing; neighbouring points mostly share their dead neurons.
            if not any_bit(load_piece(radii, (2 * row + 1) * PIECE)):
                continue
            source = load_piece(workspace, row * PIECE)
        far = load_piece(radii, (2 * row + item(removable, edge)) * PIECE)
        z = fma(splat_piece(weight), source, z)
        radius = fma(splat_piece(abs(weight)), far, radius)
    return z, fma(splat_piece(rounding), radius, radius)


@compiled
def _bounded(  # type: ignore[no-untyped-def]
    networks, g, features, points, offset, removable, rounding, programs, workspace, radii
):
    """Write the logits and radii of a piece of points.

    The logit of output k is row hidden + k of `workspace`, its radius row 2 * (hidden + features +
    k) of `radii`. `offset` is the offset of the piece's first feature.
    """
    hidden = networks.hidden[g]
    for feature in range(features):
        size = magnitude(load_piece(points, offset + feature * STRIPE))
        radius = fma(splat_piece(rounding), size, splat_piece(np.float32(0)))
        _store_radii(radii, hidden + feature, radius, size)
    for m in range(hidden):
        z, radius = _weighted_sum(
            networks, g, m, points, offset, removable, rounding, programs, workspace, radii
        )
        activation = relu(z)
        radius = where_positive(add(z, radius), radius)
        radius = fma(splat_piece(rounding), activation, radius)
        store_piece(workspace, m * PIECE, activation)
        _store_radii(radii, m, radius, activation)
    for k in range(networks.outputs[g]):
        z, radius = _weighted_sum(
            networks, g, hidden + k, points, offset, removable, rounding, programs, workspace, radii
        )
        store_piece(workspace, (hidden + k) * PIECE, z)
        store_piece(radii, 2 * (hidden + features + k) * PIECE, radius)


@compiled
def _classified(workspace, logits, radii, first_radius, outputs, labels, scales):  # type: ignore[no-untyped-def]
    """Classify a piece of points.

    Returns a piece that is positive where the prediction cannot change, not for NaN; and the
    weights of the correctly classified points, else 0.
    """
    largest = load_piece(workspace, logits * PIECE)
    if outputs == 1:
        margin = subtract(magnitude(largest), load_piece(radii, 2 * first_radius * PIECE))
        return margin, correct(largest, labels, scales)
    predicted = splat_piece(np.float32(0))
    for k in range(1, outputs):
        logit = load_piece(workspace, (logits + k) * PIECE)
        predicted = where_greater(logit, largest, splat_piece(np.float32(k)), predicted)
        largest = maximum(logit, largest)
    lowest = splat_piece(np.float32(-np.inf))
    others = lowest
    for k in range(outputs):
        logit = load_piece(workspace, (logits + k) * PIECE)
        radius = load_piece(radii, 2 * (first_radius + k) * PIECE)
        number = splat_piece(np.float32(k))
        lowest = where_equal(predicted, number, subtract(logit, radius), lowest)
        highest = where_equal(predicted, number, others, add(logit, radius))
        others = maximum(others, highest)
    right = where_equal(predicted, labels, scales, splat_piece(np.float32(0)))
    return subtract(lowest, others), right


@compiled
def points_at_risk(  # type: ignore[no-untyped-def]
    networks, g, features, points, number, removable, programs, workspace, radii, at_risk
):
    """Copy the points whose prediction may change into `at_risk`, float32 in the shape of `points`.

    The arguments are those of `workers.kernel.removals.count_removals`, except:

    Arrays:
        removable: int64 [edges], 1 for each weight that may be removed, else 0.
        programs: with the network's nonzero weights.
        workspace: scratch for the activations of the hidden neurons, then the logits.
        radii: scratch for r and a + r of each hidden neuron, each input and each output.

    Returns:
        (number of points at risk, number of other points that are classified correctly).
    """
    rounding = _rounding(networks, g)
    hidden = networks.hidden[g]
    size = (features + 2) * STRIPE
    count = 0
    hits = 0
    for first in range(0, number, PIECE):
        offset = first // STRIPE * size + first % STRIPE
        _bounded(
            networks, g, features, points, offset, removable, rounding, programs, workspace, radii
        )
        filled = min(PIECE, number - first)
        # A NaN is at risk.
        label = offset + features * STRIPE
        labels, scales = load_piece(points, label), load_piece(points, label + STRIPE)
        margin, right = _classified(
            workspace, hidden, radii, hidden + features, networks.outputs[g], labels, scales
        )
        safe = where_positive(margin, splat_piece(np.float32(1)))
        # Consecutive points lie close together: in most pieces no point is at risk.
        if filled == PIECE and int(lane_sum(fold(safe))) == PIECE:
            hits += int(lane_sum(fold(right)))
            continue
        store_piece(radii, 0, safe)
        store_piece(workspace, 0, right)
        for s in range(filled):
            if radii[s] > 0:
                hits += int(workspace[s])
            else:
                target = count // STRIPE * size + count % STRIPE
                for row in range(features + 2):
                    at_risk[target + row * STRIPE] = points[offset + row * STRIPE + s]
                count += 1
    if count % STRIPE:
        # Pad the last stripe with points of weight 0.
        start = count // STRIPE * size
        for s in range(count % STRIPE, STRIPE):
            for row in range(features + 2):
                at_risk[start + row * STRIPE + s] = np.float32(0)
    return count, hits
