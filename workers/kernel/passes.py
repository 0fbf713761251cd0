"""One network's passes over a stripe of points: activations forward, the gradient back.

A neuron that no point of the stripe activates is *dead* there: it adds nothing to its targets. Only
a living neuron from which living ones lead to the output *leads on*; the gradient of all others is
zero, and that of their edges. Small networks have many of both, most of them for long: in the
paper's search a quarter to two fifths of all hidden neurons are dead, and more than half do not
lead on (`python -m benchmarks living`). Edges from the dead are left out going forward, edges to or
from neurons that do not lead on going back, which changes no sum but in the sign of a zero.
"""

from __future__ import annotations

import numpy as np

from workers.kernel.compiled import compiled
from workers.kernel.loss import cross_entropy_delta
from workers.kernel.neurons import (
    activate,
    at,
    backpropagate,
    backpropagate_to_input,
)
from workers.kernel.simd import (
    BLOCK,
    LANES,
    STRIPE,
    add,
    fold,
    item,
    load,
    load_lanes,
    splat_lanes,
    store,
    store_lanes,
)


@compiled
def forward(networks, g, batches, stripe, memory, anew):  # type: ignore[no-untyped-def]
    """Activations of all hidden neurons, and the logits behind them, into the workspace.

    Args:
        networks: `workers.kernel.sgd.Networks`.
        g: which of them.
        batches: float32, gathered points.
        stripe: where the stripe begins in `batches`.
        memory: `workers.kernel.sgd.Scratch`; of it `workspace` and all about living neurons are
            written.
        anew: whether what `memory` says of living neurons is of another stripe or network. If
            not, it is of the stripe before, and mended where it has changed.

    Returns:
        Whether `backward` is to choose edges anew: whether any neuron has died or come alive.
    """
    alive, workspace = memory.alive, memory.workspace
    start = networks.parameter_start[g]
    biases = start + networks.edges[g]
    bounds = networks.in_start[g]
    edge_start = networks.edge_start[g]
    hidden = networks.hidden[g]
    first_hidden = networks.first_hidden[g]
    sources = at(batches, stripe)
    for m in range(hidden + 1):
        if m == first_hidden:
            sources = at(workspace, 0)
        first = item(networks.in_bounds, bounds + m)
        if anew:
            kept = 0
            for e in range(first, item(networks.in_bounds, bounds + m + 1)):
                row = item(networks.in_row, edge_start + e)
                if m < first_hidden or item(alive, row) == 1:
                    memory.in_row[first + kept] = row
                    memory.in_edge[first + kept] = e
                    kept += 1
            memory.in_count[m] = kept
        rows = at(memory.in_row, first)
        edges = at(memory.in_edge, first)
        weights = at(networks.parameters, start)
        count = item(memory.in_count, m)
        bias = item(networks.parameters, biases + m)
        own = at(workspace, m * STRIPE)
        # The output has no ReLU.
        floor = np.float32(0) if m < hidden else np.float32(-np.inf)
        living = activate(sources, rows, edges, weights, count, bias, floor, own)
        if m < hidden and living != (item(alive, m) == 1):
            alive[m] = 1 if living else 0
            anew = True
    return anew


@compiled
def output_deltas(networks, g, batches, labels, memory, fresh):  # type: ignore[no-untyped-def]
    """Deltas of the output in place of its logits, and the gradient of its bias.

    Args:
        networks: `workers.kernel.sgd.Networks`.
        g: which of them.
        batches: float32, gathered points.
        labels: where the stripe's labels begin in `batches`; their scales follow.
        memory: `workers.kernel.sgd.Scratch`.
        fresh: whether the stripe is the batch's first: whether the gradient is written anew.
    """
    workspace, gradient = memory.workspace, memory.gradient
    output = networks.hidden[g] * STRIPE
    slope = (networks.edges[g] + networks.hidden[g]) * LANES
    sums = splat_lanes(np.float32(-0.0)) if fresh else load_lanes(gradient, slope)
    for point in range(0, STRIPE, BLOCK):
        logit = load(workspace, output + point)
        label = load(batches, labels + point)
        scale = load(batches, labels + STRIPE + point)
        delta = cross_entropy_delta(logit, label, scale)
        store(workspace, output + point, delta)
        sums = add(sums, fold(delta))
    store_lanes(gradient, slope, sums)


@compiled
def backward(networks, g, features, batches, stripe, memory, anew, fresh):  # type: ignore[no-untyped-def]
    """Gradient of all parameters but the last bias: a register of partial sums each.

    Args:
        networks: `workers.kernel.sgd.Networks`.
        g: which of them.
        features: of a point.
        batches: float32, gathered points.
        stripe: where the stripe begins in `batches`.
        memory: `workers.kernel.sgd.Scratch`; `gradient` is written.
        anew: as `forward` returned it.
        fresh: as for `output_deltas`.
    """
    if anew:
        choose_edges(networks, g, features, memory, fresh)
    workspace, gradient = memory.workspace, memory.gradient
    biases = networks.edges[g]
    bounds = networks.out_start[g]
    hidden = networks.hidden[g]
    for reverse in range(hidden):
        m = hidden - 1 - reverse
        if item(memory.leads_on, m) == 0:
            continue
        first = item(networks.out_bounds, bounds + features + m)
        backpropagate(
            at(workspace, 0),
            at(memory.out_row, first),
            at(memory.out_edge, first),
            at(networks.parameters, networks.parameter_start[g]),
            item(memory.out_count, features + m),
            at(workspace, m * STRIPE),
            at(workspace, (hidden + 1) * STRIPE),
            at(gradient, 0),
            at(gradient, (biases + m) * LANES),
            fresh,
        )
    for i in range(features):
        first = item(networks.out_bounds, bounds + i)
        backpropagate_to_input(
            at(workspace, 0),
            at(memory.out_row, first),
            at(memory.out_edge, first),
            item(memory.out_count, i),
            at(batches, stripe + i * STRIPE),
            at(gradient, 0),
            fresh,
        )


@compiled
def choose_edges(networks, g, features, memory, fresh):  # type: ignore[no-untyped-def]
    """Lists the outgoing edges whose ends both lead on; the gradient of all others is zero.

    Args:
        networks: `workers.kernel.sgd.Networks`.
        g: which of them.
        features: of a point.
        memory: `workers.kernel.sgd.Scratch`; of it `leads_on`, `out_count`, `out_row` and
            `out_edge` are written, from `alive`.
        fresh: whether the gradient of the edges left out is set to zero; it is left as it is where
            it already has the sums of the batch's earlier stripes.
    """
    alive, leads_on, gradient = memory.alive, memory.leads_on, memory.gradient
    zeros = splat_lanes(np.float32(0))
    bounds = networks.out_start[g]
    edge_start = networks.edge_start[g]
    hidden = networks.hidden[g]
    leads_on[hidden] = 1
    for reverse in range(hidden + features):
        # Sources are numbered with the inputs first.
        source = hidden + features - 1 - reverse
        m = source - features
        living = m < 0 or item(alive, m) == 1
        first = item(networks.out_bounds, bounds + source)
        kept = 0
        for q in range(first, item(networks.out_bounds, bounds + source + 1)):
            row = item(networks.out_row, edge_start + q)
            edge = item(networks.out_edge, edge_start + q)
            if living and item(leads_on, row) == 1:
                memory.out_row[first + kept] = row
                memory.out_edge[first + kept] = edge
                kept += 1
            elif fresh:
                store_lanes(gradient, edge * LANES, zeros)
        memory.out_count[source] = kept
        if m >= 0:
            leads_on[m] = 1 if kept > 0 else 0
            if kept == 0 and fresh:
                store_lanes(gradient, (networks.edges[g] + m) * LANES, zeros)
