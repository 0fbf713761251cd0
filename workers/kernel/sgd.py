"""The training kernel: stochastic gradient descent of small sparse networks on one core.

A network is an edge list (`workers.kernel.packing`), so one compiled kernel serves every shape,
mask and depth, and a masked weight costs nothing. The points of a batch lie in *blocks*
(`workers.kernel.simd`): row by row, one feature, label, activation or delta of `BLOCK` points
behind the other. A few batches are gathered at a time and every network of the group is trained on
them: the shuffle and the gather, dear beside so small a network, are shared.

The backward pass goes through the neurons in reverse. A neuron's activations and the sum of what
its outgoing edges bring back stay in registers, and each delta that is read serves both that sum
and the gradient of its edge. The neuron's deltas then take the place of its activations, which
nobody needs any more.

Each network's result depends on its own parameters and the data order alone: the order of every
sum is fixed by the network, never by its neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.kernel.compiled import compiled
from workers.kernel.loss import correct, cross_entropy, cross_entropy_delta
from workers.kernel.simd import (
    BLOCK,
    LANES,
    add,
    dot,
    fma,
    fold,
    item,
    load,
    load_lanes,
    relu,
    row_sums,
    splat,
    splat_lanes,
    store,
    store_lanes,
    where_positive,
)

BATCHES_AT_ONCE = 13
"""Batches gathered at a time; 13 of 128 points of the spiral are 20 KB, less than half of L1."""


class Networks(NamedTuple):
    """The networks of a group, packed one behind the other; made by `workers.kernel.packing.pack`.

    Per network, int64 [networks]:
        parameter_start: its first place in `parameters` and `velocities` (a multiple of 16).
        parameter_count: its weights and biases, with zeros up to a multiple of 16.
        edges: its weights; the bias of neuron m follows them at place `edges + m`.
        first_hidden: neurons of its first hidden layer, the ones that read the inputs.
        hidden: hidden neurons.
        in_start, out_start, edge_start: its first places in the arrays below.
    Per network and neuron (hidden ones layer by layer, then the output), int64:
        in_bounds: edges in_bounds[m] to in_bounds[m + 1] end at neuron m, in the order of weights.
    Per network and source (inputs, then hidden neurons), int64:
        out_bounds: places out_bounds[i] to out_bounds[i + 1] of `out_row`, `out_edge` start at i.
    Per edge, int64:
        in_row: where the row of its source begins: from the gathered point's first row for an
            input, in the workspace for a neuron.
        out_row: where the row of the target neuron begins in the workspace.
        out_edge: the edge's place among the weights.
    float32, 64-byte aligned:
        parameters, velocities: weights and biases, and their momentum buffers.
    """

    parameter_start: NDArray[np.int64]
    parameter_count: NDArray[np.int64]
    edges: NDArray[np.int64]
    first_hidden: NDArray[np.int64]
    hidden: NDArray[np.int64]
    in_start: NDArray[np.int64]
    out_start: NDArray[np.int64]
    edge_start: NDArray[np.int64]
    in_bounds: NDArray[np.int64]
    out_bounds: NDArray[np.int64]
    in_row: NDArray[np.int64]
    out_row: NDArray[np.int64]
    out_edge: NDArray[np.int64]
    parameters: NDArray[np.float32]
    velocities: NDArray[np.float32]


@compiled
def gather(points, labels, order, first, count, scale, rows):  # type: ignore[no-untyped-def]
    """Lays points order[first : first + count] into blocks: features, label and scale, row by row.

    Args:
        points: float32 [N, features].
        labels: float32 [N].
        order: uint32 [N].
        first: where the batch begins in the order.
        count: points of the batch. The last block is filled up with points of scale 0.
        scale: weight of each point in the loss.
        rows: float32 [blocks * (features + 2) * BLOCK], written.
    """
    features = points.shape[1]
    block_size = (features + 2) * BLOCK
    blocks = (count + BLOCK - 1) // BLOCK
    for block in range(blocks):
        start = block * block_size
        filled = min(BLOCK, count - block * BLOCK)
        for s in range(filled):
            point = order[first + block * BLOCK + s]
            for feature in range(features):
                rows[start + feature * BLOCK + s] = points[point, feature]
            rows[start + features * BLOCK + s] = labels[point]
            rows[start + (features + 1) * BLOCK + s] = scale
        for s in range(filled, BLOCK):
            for row in range(features + 2):
                rows[start + row * BLOCK + s] = np.float32(0)


@compiled
def forward(networks, g, rows, point, workspace):  # type: ignore[no-untyped-def]
    """Activations of all hidden neurons into the workspace; returns the block of logits.

    Args:
        networks: `Networks`.
        g: which of them.
        rows: points as `gather` lays them.
        point: where the block of points begins in `rows`.
        workspace: as for `train_steps`.
    """
    weights = networks.parameter_start[g]
    biases = weights + networks.edges[g]
    bounds = networks.in_start[g]
    edge_start = networks.edge_start[g]
    hidden = networks.hidden[g]
    first_hidden = networks.first_hidden[g]
    for m in range(first_hidden):
        z = splat(item(networks.parameters, biases + m))
        stop = item(networks.in_bounds, bounds + m + 1)
        for e in range(item(networks.in_bounds, bounds + m), stop):
            source = load(rows, point + item(networks.in_row, edge_start + e))
            z = fma(splat(item(networks.parameters, weights + e)), source, z)
        store(workspace, m * BLOCK, relu(z))
    for m in range(first_hidden, hidden):
        z = splat(item(networks.parameters, biases + m))
        stop = item(networks.in_bounds, bounds + m + 1)
        for e in range(item(networks.in_bounds, bounds + m), stop):
            source = load(workspace, item(networks.in_row, edge_start + e))
            z = fma(splat(item(networks.parameters, weights + e)), source, z)
        store(workspace, m * BLOCK, relu(z))
    logit = splat(item(networks.parameters, biases + hidden))
    stop = item(networks.in_bounds, bounds + hidden + 1)
    for e in range(item(networks.in_bounds, bounds + hidden), stop):
        source = load(workspace, item(networks.in_row, edge_start + e))
        logit = fma(splat(item(networks.parameters, weights + e)), source, logit)
    return logit


@compiled
def _keep(gradient, place, sums, fresh):  # type: ignore[no-untyped-def]
    """Stores a register of partial sums, or adds it to what earlier blocks have left there."""
    if fresh:
        store_lanes(gradient, place, sums)
    else:
        store_lanes(gradient, place, add(load_lanes(gradient, place), sums))


@compiled
def _gradient(networks, g, features, rows, point, workspace, gradient, fresh):  # type: ignore[no-untyped-def]
    """Gradient of one block: a register of partial sums a parameter, into `gradient`.

    Where the block is not the batch's first (not `fresh`), they are added to those before.
    """
    weights = networks.parameter_start[g]
    edges = networks.edges[g]
    edge_start = networks.edge_start[g]
    bounds = networks.out_start[g]
    hidden = networks.hidden[g]
    logit = forward(networks, g, rows, point, workspace)
    label = load(rows, point + features * BLOCK)
    scale = load(rows, point + (features + 1) * BLOCK)
    delta = cross_entropy_delta(logit, label, scale)
    store(workspace, hidden * BLOCK, delta)
    _keep(gradient, (edges + hidden) * LANES, fold(delta), fresh)
    for reverse in range(hidden):
        m = hidden - 1 - reverse
        activation = load(workspace, m * BLOCK)
        delta = splat(np.float32(0))
        stop = item(networks.out_bounds, bounds + features + m + 1)
        for q in range(item(networks.out_bounds, bounds + features + m), stop):
            e = item(networks.out_edge, edge_start + q)
            target = load(workspace, item(networks.out_row, edge_start + q))
            delta = fma(splat(item(networks.parameters, weights + e)), target, delta)
            _keep(gradient, e * LANES, dot(activation, target), fresh)
        delta = where_positive(activation, delta)
        store(workspace, m * BLOCK, delta)
        _keep(gradient, (edges + m) * LANES, fold(delta), fresh)
    for i in range(features):
        value = load(rows, point + i * BLOCK)
        stop = item(networks.out_bounds, bounds + i + 1)
        for q in range(item(networks.out_bounds, bounds + i), stop):
            target = load(workspace, item(networks.out_row, edge_start + q))
            e = item(networks.out_edge, edge_start + q)
            _keep(gradient, e * LANES, dot(value, target), fresh)


@compiled
def train_steps(  # type: ignore[no-untyped-def]
    networks,
    points,
    labels,
    order,
    batch_size,
    first_step,
    last_step,
    rates,
    momenta,
    decays,
    rows,
    workspace,
    gradient,
):
    """Trains every network in place on steps first_step to last_step (exclusive) of one epoch.

    SGD with momentum, no dampening, no Nesterov, on the mean of binary cross-entropy over a batch
    (docs/paper.md, section 3): v = momentum * v + (g + weight_decay * w); w = w - rate * v.

    Args:
        networks: `Networks`; `parameters` and `velocities` are changed.
        points: float32 [N, features].
        labels: float32 [N].
        order: uint32 [N], of this epoch.
        batch_size: points in a step; step k takes order[k * batch_size : (k + 1) * batch_size].
        first_step: of the epoch, from 0.
        last_step: the step before which to stop.
        rates: float32 [networks], learning rates of this epoch.
        momenta: float32 [networks].
        decays: float32 [networks], weight decays.
        rows: float32 [BATCHES_AT_ONCE * blocks in a batch * (features + 2) * BLOCK].
        workspace: float32 [(hidden neurons + 1) * BLOCK], for the largest network.
        gradient: float32 [parameter_count * LANES], for the largest network.
    """
    features = points.shape[1]
    blocks = (batch_size + BLOCK - 1) // BLOCK
    block_size = (features + 2) * BLOCK
    scale = np.float32(1) / np.float32(batch_size)
    for start in range(first_step, last_step, BATCHES_AT_ONCE):
        steps = min(BATCHES_AT_ONCE, last_step - start)
        for step in range(steps):
            place = step * blocks * block_size
            first = (start + step) * batch_size
            gather(points, labels, order, first, batch_size, scale, rows[place:])
        for g in range(networks.edges.shape[0]):
            count = networks.parameter_count[g]
            base = networks.parameter_start[g]
            # Nobody writes the places that fill up the last register: another network's gradient
            # may have been left there.
            for p in range(networks.edges[g] + networks.hidden[g] + 1, count):
                store_lanes(gradient, p * LANES, splat_lanes(np.float32(0)))
            rate = splat_lanes(-rates[g])
            momentum = splat_lanes(momenta[g])
            decay = splat_lanes(decays[g])
            for step in range(steps):
                point = step * blocks * block_size
                _gradient(networks, g, features, rows, point, workspace, gradient, True)
                for _ in range(1, blocks):
                    point += block_size
                    _gradient(networks, g, features, rows, point, workspace, gradient, False)
                for p in range(0, count, LANES):
                    weight = load_lanes(networks.parameters, base + p)
                    slope = fma(decay, weight, row_sums(gradient, p * LANES))
                    velocity = fma(momentum, load_lanes(networks.velocities, base + p), slope)
                    store_lanes(networks.velocities, base + p, velocity)
                    store_lanes(networks.parameters, base + p, fma(rate, velocity, weight))


@compiled
def evaluate(networks, features, rows, blocks, workspace, sums, losses, hits):  # type: ignore[no-untyped-def]
    """Sums of loss and of correct predictions of every network over all points.

    Args:
        networks: `Networks`.
        features: of a point.
        rows: float32 [blocks * (features + 2) * BLOCK], all points as `gather` lays them, scale 1.
        blocks: of all points.
        workspace: as for `train_steps`.
        sums: float32 [2 * LANES], 64-byte aligned scratch. A block's sums are exact enough in
            float32; the sum over all blocks is kept in float64.
        losses: float64 [networks], the sum of binary cross-entropy, written.
        hits: float64 [networks], the number of points classified correctly, written.
    """
    block_size = (features + 2) * BLOCK
    for g in range(networks.edges.shape[0]):
        loss = 0.0
        hit = 0.0
        for block in range(blocks):
            point = block * block_size
            logit = forward(networks, g, rows, point, workspace)
            label = load(rows, point + features * BLOCK)
            scale = load(rows, point + (features + 1) * BLOCK)
            store_lanes(sums, 0, fold(cross_entropy(logit, label, scale)))
            store_lanes(sums, LANES, fold(correct(logit, label, scale)))
            for lane in range(LANES):
                loss += sums[lane]
                hit += sums[LANES + lane]
        losses[g] = loss
        hits[g] = hit
