"""The training kernel: stochastic gradient descent of small sparse networks on one core.

A network is an edge list (`workers.kernel.packing`), so one compiled kernel serves every shape,
mask and depth, and a masked weight costs nothing. The points of a batch lie in stripes
(`workers.kernel.neurons`): row by row, one feature, label, activation or delta of `STRIPE` points
behind the other. A few batches are gathered at a time and every network of the group is trained on
them: the shuffle and the gather, dear beside so small a network, are shared.

The backward pass (`workers.kernel.passes`) goes through the neurons in reverse. Each delta that is
read serves both the deltas of its source and the gradient of its edge. A neuron's deltas take the
place of its activations, which nobody needs any more.

Each network's result depends on its own parameters and the data order alone: the order of every
sum is fixed by the network, never by its neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.kernel.compiled import compiled
from workers.kernel.forward import logits
from workers.kernel.loss import correct, cross_entropy
from workers.kernel.passes import backward, forward
from workers.kernel.programs import ALIVE, program_length
from workers.kernel.simd import (
    BLOCK,
    LANES,
    STRIPE,
    aligned_zeros,
    fma,
    fold,
    load,
    load_lanes,
    row_sums,
    splat_lanes,
    store_lanes,
)

BATCHES_AT_ONCE = 39
"""Batches gathered at a time, a tenth of an epoch of the spiral: 80 KB, which L2 holds. Fewer would
fit into L1; but a network's edges are listed anew whenever it is its turn."""


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
        in_row: number of its source's row: among the batch's for an input, in the workspace for a
            neuron.
        out_row: number of its target's row in the workspace.
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


class Scratch(NamedTuple):
    """Memory of `train_steps`; made by `scratch`.

    float32, 64-byte aligned:
        batches: [BATCHES_AT_ONCE * stripes in a batch * (features + 2) * STRIPE], gathered batches.
        workspace: [(hidden neurons + 2) * STRIPE], for the largest network: activations and
            deltas, those of the output, and a row for sums in the making.
        gradient: [parameter_count * LANES], for the largest network: a register of partial sums
            a parameter.
    Of every network (`workers.kernel.passes`):
        words: int32, its programs, the one forward and the one backward.
        forward_start, backward_start: int64 [networks], where they begin.
        alive: int64, beginning at `in_start`, for each hidden neuron one of RESTING, ALIVE and
            WAKING.
    int64, for the largest network, what `workers.kernel.programs` notes down:
        leads_on: [hidden neurons + 1], 1 for a living neuron that leads to the output through
            living ones, and for the output, else 0.
        listed: [hidden neurons + 1], which neurons the program has already.
        in_count: [hidden neurons + 1], for each neuron the number of its incoming edges from living
            sources.
        in_row, in_edge: [edges], these edges' rows, as in `Networks`, and their places among the
            weights; a neuron's begin where its edges begin in `Networks.in_row`.
        out_count: [features + hidden neurons], for each source, if it is alive, the number of its
            outgoing edges to targets that lead on.
        out_row, out_edge: [edges], as in `Networks`, of these edges; likewise.
    """

    batches: NDArray[np.float32]
    workspace: NDArray[np.float32]
    gradient: NDArray[np.float32]
    words: NDArray[np.int32]
    forward_start: NDArray[np.int64]
    backward_start: NDArray[np.int64]
    alive: NDArray[np.int64]
    leads_on: NDArray[np.int64]
    listed: NDArray[np.int64]
    in_count: NDArray[np.int64]
    in_row: NDArray[np.int64]
    in_edge: NDArray[np.int64]
    out_count: NDArray[np.int64]
    out_row: NDArray[np.int64]
    out_edge: NDArray[np.int64]


def scratch(networks: Networks, features: int, batch_size: int) -> Scratch:
    """What `train_steps` needs for these networks.

    Args:
        networks: packed.
        features: of a point.
        batch_size: points in a step.
    """
    stripes = -(-batch_size // STRIPE)
    hidden, edges = int(networks.hidden.max()), int(networks.edges.max())
    lengths = program_length(networks.hidden + features + 1, networks.edges)
    ends = np.cumsum(2 * lengths)
    return Scratch(
        batches=aligned_zeros(BATCHES_AT_ONCE * stripes * (features + 2) * STRIPE),
        workspace=aligned_zeros((hidden + 2) * STRIPE),
        gradient=aligned_zeros(int(networks.parameter_count.max()) * LANES),
        words=np.zeros(ends[-1], np.int32),
        forward_start=ends - 2 * lengths,
        backward_start=ends - lengths,
        alive=np.full(len(networks.in_bounds), ALIVE),
        leads_on=np.zeros(hidden + 1, np.int64),
        listed=np.zeros(hidden + 1, np.int64),
        in_count=np.zeros(hidden + 1, np.int64),
        in_row=np.zeros(edges, np.int64),
        in_edge=np.zeros(edges, np.int64),
        out_count=np.zeros(features + hidden, np.int64),
        out_row=np.zeros(edges, np.int64),
        out_edge=np.zeros(edges, np.int64),
    )


@compiled
def gather(points, labels, order, first, count, scale, rows, length):  # type: ignore[no-untyped-def]
    """Lays points order[first : first + count] into rows: the features, label and scale.

    Args:
        points: float32 [N, features].
        labels: float32 [N].
        order: uint32 [N].
        first: where these points begin in the order.
        count: of these points.
        scale: weight of each point in the loss.
        rows: float32 [(features + 2) * length], written.
        length: of a row; behind the points it is filled up with points of scale 0.
    """
    features = points.shape[1]
    # Row by row: to collect a point's numbers one after the other takes twice as long.
    for feature in range(features):
        for s in range(count):
            rows[feature * length + s] = points[order[first + s], feature]
    for s in range(count):
        rows[features * length + s] = labels[order[first + s]]
    for s in range(count):
        rows[(features + 1) * length + s] = scale
    for row in range(features + 2):
        for s in range(count, length):
            rows[row * length + s] = np.float32(0)


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
    memory,
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
        memory: `Scratch` for these networks and this batch size.
    """
    batches, gradient = memory.batches, memory.gradient
    features = points.shape[1]
    stripes = (batch_size + STRIPE - 1) // STRIPE
    size = (features + 2) * STRIPE
    scale = np.float32(1) / np.float32(batch_size)
    for start in range(first_step, last_step, BATCHES_AT_ONCE):
        steps = min(BATCHES_AT_ONCE, last_step - start)
        for step in range(steps):
            for s in range(stripes):
                first = s * STRIPE
                count = min(STRIPE, batch_size - first)
                first += (start + step) * batch_size
                place = batches[(step * stripes + s) * size :]
                gather(points, labels, order, first, count, scale, place, STRIPE)
        for g in range(networks.edges.shape[0]):
            base = networks.parameter_start[g]
            rate = splat_lanes(-rates[g])
            momentum = splat_lanes(momenta[g])
            decay = splat_lanes(decays[g])
            for step in range(steps):
                for s in range(stripes):
                    stripe = (step * stripes + s) * size
                    fresh = s == 0
                    begins = fresh and step == 0
                    new = forward(networks, g, features, batches, stripe, memory, begins)
                    # Behind these places lies another network's gradient, or one of neurons and
                    # edges that the program had before or in the batch's last stripe.
                    if fresh and (new or begins or stripes > 1):
                        for p in range(networks.parameter_count[g]):
                            store_lanes(gradient, p * LANES, splat_lanes(np.float32(0)))
                    backward(networks, g, features, batches, stripe, memory, fresh)
                for p in range(0, networks.edges[g] + networks.hidden[g] + 1, LANES):
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
        rows: all points in blocks, as `workers.kernel.points.all_points` has them.
        blocks: of all points.
        workspace: float32 [hidden neurons * BLOCK], for the largest network, 64-byte aligned.
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
            logit = logits(networks, g, rows, point, workspace)
            label = load(rows, point + features * BLOCK)
            scale = load(rows, point + (features + 1) * BLOCK)
            store_lanes(sums, 0, fold(cross_entropy(logit, label, scale)))
            store_lanes(sums, LANES, fold(correct(logit, label, scale)))
            for lane in range(LANES):
                loss += sums[lane]
                hit += sums[LANES + lane]
        losses[g] = loss
        hits[g] = hit
