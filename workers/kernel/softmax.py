"""Cross-entropy of a network's logits, for two classes or for more.

Two classes have one logit, that of class 1 (`workers.kernel.loss`). More classes have one logit
each, in consecutive rows of the workspace, and the loss is the softmax cross-entropy

    log(sum over k of exp(z_k)) - z_y = (max z - z_y) + log(sum over k of exp(z_k - max z))

with y the point's class. A point is assigned to the class with the largest logit, in a tie to the
lowest of these classes; a single logit of 0 is a tie likewise, and gives class 0.
"""

from __future__ import annotations

import numpy as np

from workers.kernel.compiled import compiled
from workers.kernel.loss import correct, cross_entropy, exp_of_minus, log_of
from workers.kernel.simd import (
    BLOCK,
    LANES,
    PIECE,
    STRIPE,
    add,
    divide,
    fma,
    fold,
    load,
    load_lanes,
    load_piece,
    maximum,
    multiply,
    splat,
    splat_piece,
    store_lanes,
    store_piece,
    subtract,
    where_equal,
    where_greater,
)


@compiled
def softmax_deltas(workspace, logits, classes, points, labels, gradient, biases, fresh):  # type: ignore[no-untyped-def]
    """Replace the logits by their deltas, and compute the gradients of the outputs' biases.

    `logits` is the offset of the first logit's row in the neurons' rows, `workspace`; `labels` that
    of the stripe's labels in `points`, which the points' weights follow; `biases` that of the first
    output's register in `gradient`. With `fresh` the registers are overwritten instead of added to.
    """
    for first in range(0, STRIPE, PIECE):
        largest = load_piece(workspace, logits + first)
        for k in range(1, classes):
            largest = maximum(load_piece(workspace, logits + k * STRIPE + first), largest)
        total = splat_piece(np.float32(0))
        for k in range(classes):
            row = logits + k * STRIPE + first
            power = exp_of_minus(subtract(largest, load_piece(workspace, row)))
            store_piece(workspace, row, power)
            total = add(total, power)
        label, scale = (
            load_piece(points, labels + first),
            load_piece(points, labels + STRIPE + first),
        )
        share = divide(scale, total)
        zero = splat_piece(np.float32(0))
        minus = subtract(zero, scale)
        for k in range(classes):
            row = logits + k * STRIPE + first
            own = where_equal(label, splat_piece(np.float32(k)), minus, zero)
            store_piece(workspace, row, fma(load_piece(workspace, row), share, own))
    for k in range(classes):
        row = logits + k * STRIPE
        register = biases + k * LANES
        slope = fold(load(workspace, row))
        if not fresh:
            slope = add(load_lanes(gradient, register), slope)
        for block in range(BLOCK, STRIPE, BLOCK):
            slope = add(slope, fold(load(workspace, row + block)))
        store_lanes(gradient, register, slope)


@compiled
def losses_of(workspace, logits, outputs, labels, scales):  # type: ignore[no-untyped-def]
    """Return the losses of a block of points times their weights, `scales`.

    `logits` is the offset of the block in the first logit's row of `workspace`.
    """
    if outputs == 1:
        return cross_entropy(load(workspace, logits), labels, scales)
    largest = load(workspace, logits)
    for k in range(1, outputs):
        largest = maximum(load(workspace, logits + k * STRIPE), largest)
    total = splat(np.float32(0))
    own = largest
    for k in range(outputs):
        logit = load(workspace, logits + k * STRIPE)
        total = add(total, exp_of_minus(subtract(largest, logit)))
        own = where_equal(labels, splat(np.float32(k)), logit, own)
    return multiply(add(subtract(largest, own), log_of(total)), scales)


@compiled
def correct_of(workspace, logits, outputs, labels, scales):  # type: ignore[no-untyped-def]
    """Return the weights of the correctly classified points of a block, else 0; see `losses_of`."""
    if outputs == 1:
        return correct(load(workspace, logits), labels, scales)
    largest = load(workspace, logits)
    predicted = splat(np.float32(0))
    for k in range(1, outputs):
        logit = load(workspace, logits + k * STRIPE)
        predicted = where_greater(logit, largest, splat(np.float32(k)), predicted)
        largest = maximum(logit, largest)
    return where_equal(predicted, labels, scales, splat(np.float32(0)))
