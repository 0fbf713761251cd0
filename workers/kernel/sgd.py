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
from workers.kernel.networks import Networks
from workers.kernel.passes import backward, forward
from workers.kernel.points import gather
from workers.kernel.programs import Programs, unwritten
from workers.kernel.simd import (
    LANES,
    STRIPE,
    aligned_zeros,
    fma,
    load_lanes,
    row_sums,
    splat_lanes,
    store_lanes,
)

BATCHES_AT_ONCE = 39
"""Batches gathered at a time, a tenth of an epoch of the spiral: 80 KB, which L2 holds. Fewer would
fit into L1; but a network's edges are listed anew whenever it is its turn."""


class Scratch(NamedTuple):
    """Memory of `train_steps`; made by `scratch`.

    float32, 64-byte aligned:
        batches: [BATCHES_AT_ONCE * stripes in a batch * (features + 2) * STRIPE], gathered batches.
        workspace: [(hidden neurons + 2) * STRIPE], for the largest network: activations and
            deltas, those of the output, and a row for sums in the making.
        gradient: [parameter_count * LANES], for the largest network: a register of partial sums
            a parameter.
    programs: of every network (`workers.kernel.passes`).
    """

    batches: NDArray[np.float32]
    workspace: NDArray[np.float32]
    gradient: NDArray[np.float32]
    programs: Programs


def scratch(networks: Networks, features: int, batch_size: int) -> Scratch:
    """What `train_steps` needs for these networks.

    Args:
        networks: packed.
        features: of a point.
        batch_size: points in a step.
    """
    stripes = -(-batch_size // STRIPE)
    hidden = int(networks.hidden.max())
    return Scratch(
        batches=aligned_zeros(BATCHES_AT_ONCE * stripes * (features + 2) * STRIPE),
        workspace=aligned_zeros((hidden + 2) * STRIPE),
        gradient=aligned_zeros(int(networks.parameter_count.max()) * LANES),
        programs=unwritten(networks, features),
    )


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
                gather(points, labels, order, first, count, scale, place)
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
