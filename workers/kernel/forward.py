"""The network's output for one block of points: all that evaluating it takes."""

from __future__ import annotations

from workers.kernel.compiled import compiled
from workers.kernel.simd import BLOCK, fma, item, load, relu, splat, store


@compiled
def logits(networks, g, rows, point, workspace):  # type: ignore[no-untyped-def]
    """Activations of all hidden neurons into the workspace; returns the block of logits.

    Args:
        networks: `workers.kernel.sgd.Networks`.
        g: which of them.
        rows: float32, points in blocks, as `workers.kernel.points.all_points` has them.
        point: where the block of points begins in `rows`.
        workspace: float32 [hidden neurons * BLOCK] or more, 64-byte aligned.
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
            source = load(rows, point + item(networks.in_row, edge_start + e) * BLOCK)
            z = fma(splat(item(networks.parameters, weights + e)), source, z)
        store(workspace, m * BLOCK, relu(z))
    for m in range(first_hidden, hidden):
        z = splat(item(networks.parameters, biases + m))
        stop = item(networks.in_bounds, bounds + m + 1)
        for e in range(item(networks.in_bounds, bounds + m), stop):
            source = load(workspace, item(networks.in_row, edge_start + e) * BLOCK)
            z = fma(splat(item(networks.parameters, weights + e)), source, z)
        store(workspace, m * BLOCK, relu(z))
    logit = splat(item(networks.parameters, biases + hidden))
    stop = item(networks.in_bounds, bounds + hidden + 1)
    for e in range(item(networks.in_bounds, bounds + hidden), stop):
        source = load(workspace, item(networks.in_row, edge_start + e) * BLOCK)
        logit = fma(splat(item(networks.parameters, weights + e)), source, logit)
    return logit
