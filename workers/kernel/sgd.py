"""The training kernel: stochastic gradient descent of small sparse networks on one core.

A network is an edge list (`workers.kernel.packing`), so one compiled kernel serves every shape,
mask and depth, and masked weights cost nothing. The points of a batch are stored in stripes
(`workers.kernel.points`). A chunk of batches is gathered at a time and every network of the group
is trained on it, so that networks share the shuffle and the gather, which are expensive compared
with training such small networks.

The backward pass (`workers.kernel.passes`) visits the neurons in reverse. Each delta is read once
for the delta of its source and the gradient of its edge. A neuron's deltas overwrite its
activations, which are no longer needed.

A network's result depends only on its own parameters and the data order: the network alone fixes
the order of every sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset
from workers.kernel.compiled import compiled
from workers.kernel.packing import PackedNetworks
from workers.kernel.passes import backward, check_due, forward
from workers.kernel.points import gather, packed_points
from workers.kernel.programs import Programs, empty_programs
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

BATCHES_PER_CHUNK = 39
"""Batches gathered at a time: a tenth of an epoch of the Cubist Spiral, 80 KB, which fits in L2.
Smaller chunks would fit in L1, but each network rewrites its programs once per chunk."""


class Scratch(NamedTuple):
    """The points and the working memory of `train_steps`; made by `scratch`.

    table: the points, in the layout of `workers.kernel.points.packed_points`.
    features: number of features of a point.
    batch_size: number of points per step.
    float32, 64-byte aligned:
        batches: [BATCHES_PER_CHUNK * stripes per batch * (features + 2) * STRIPE], gathered points.
        workspace: [(hidden neurons + outputs + 1) * STRIPE], for the largest network: activations
            and deltas, those of the outputs, and a row of partial sums.
        gradient: [parameter_count * LANES], for the largest network: one register of partial sums
            per parameter.
    programs: the programs of every network (`workers.kernel.passes`).
    """

    table: NDArray[np.float32]
    features: int
    batch_size: int
    batches: NDArray[np.float32]
    workspace: NDArray[np.float32]
    gradient: NDArray[np.float32]
    programs: Programs


def scratch(networks: PackedNetworks, dataset: Dataset, batch_size: int) -> Scratch:
    """Prepare `train_steps` for some networks, points and batches."""
    features = dataset.features
    stripes = -(-batch_size // STRIPE)
    neurons = int((networks.hidden + networks.outputs).max())
    return Scratch(
        table=packed_points(dataset),
        features=features,
        batch_size=batch_size,
        batches=aligned_zeros(BATCHES_PER_CHUNK * stripes * (features + 2) * STRIPE),
        workspace=aligned_zeros((neurons + 1) * STRIPE),
        gradient=aligned_zeros(int(networks.parameter_count.max()) * LANES),
        programs=empty_programs(networks, features),
    )


@compiled
def train_steps(networks, order, first_step, last_step, rates, momenta, decays, memory):  # type: ignore[no-untyped-def]
    """Train every network in place on steps first_step to last_step (exclusive) of one epoch.

    SGD with momentum, no dampening, no Nesterov, on the mean of cross-entropy over a batch
    (docs/paper.md, section 3): v = momentum * v + (g + weight_decay * w); w = w - rate * v.

    Arrays:
        networks: `PackedNetworks`; `parameters` and `velocities` are updated.
        order: uint32 [N], the order of the points in this epoch. Step k, counted from 0, takes
            order[k * batch_size : (k + 1) * batch_size].
        rates, momenta, decays: float32 [networks], learning rates of this epoch, momenta and weight
            decays.
        memory: `Scratch` for these networks.
    """
    features, batch_size = memory.features, memory.batch_size
    batches, gradient = memory.batches, memory.gradient
    stripes = (batch_size + STRIPE - 1) // STRIPE
    size = (features + 2) * STRIPE
    scale = np.float32(1) / np.float32(batch_size)
    for start in range(first_step, last_step, BATCHES_PER_CHUNK):
        steps = min(BATCHES_PER_CHUNK, last_step - start)
        for step in range(steps):
            for s in range(stripes):
                first = s * STRIPE
                count = min(STRIPE, batch_size - first)
                first += (start + step) * batch_size
                target = batches[(step * stripes + s) * size :]
                gather(memory.table, features, order, first, count, scale, target)
        for g in range(networks.edges.shape[0]):
            base = networks.parameter_start[g]
            parameters = networks.edges[g] + networks.hidden[g] + networks.outputs[g]
            rate = splat_lanes(-rates[g])
            momentum = splat_lanes(momenta[g])
            decay = splat_lanes(decays[g])
            due = check_due(memory.programs, g, steps)
            for step in range(steps):
                for s in range(stripes):
                    stripe = (step * stripes + s) * size
                    fresh = s == 0
                    begins = fresh and step == 0
                    check = begins and due
                    new = forward(networks, g, stripe, memory, check)
                    # The registers hold the gradient of another network, or of neurons and edges
                    # that an earlier program or the batch's last stripe contained.
                    if fresh and (new or begins or stripes > 1):
                        for p in range(networks.parameter_count[g]):
                            store_lanes(gradient, p * LANES, splat_lanes(np.float32(0)))
                    backward(networks, g, stripe, memory, fresh)
                for p in range(0, parameters, LANES):
                    weight = load_lanes(networks.parameters, base + p)
                    slope = fma(decay, weight, row_sums(gradient, p * LANES))
                    velocity = fma(momentum, load_lanes(networks.velocities, base + p), slope)
                    store_lanes(networks.velocities, base + p, velocity)
                    store_lanes(networks.parameters, base + p, fma(rate, velocity, weight))
