"""The networks' outputs for a stripe of points: all that evaluating them takes."""

from __future__ import annotations

from workers.kernel.compiled import inlined
from workers.kernel.neurons import activate, at
from workers.kernel.simd import STRIPE


@inlined
def logits(networks, g, points, stripe, programs, workspace):  # type: ignore[no-untyped-def]
    """Activations of all hidden neurons into the workspace, and behind them the logits.

    Args:
        networks: `workers.kernel.networks.Networks`.
        g: which of them.
        points: float32, as `workers.kernel.points.all_points` has them.
        stripe: where the stripe begins in `points`.
        programs: `workers.kernel.programs.Programs`, the network's program forward written with all
            neurons alive.
        workspace: float32 [(hidden neurons + 1) * STRIPE] or more, 64-byte aligned.

    Returns:
        Where the logits begin in `workspace`.
    """
    activate(
        at(programs.words, programs.forward_start[g]),
        at(points, stripe),
        at(workspace, 0),
        at(networks.parameters, networks.parameter_start[g]),
    )
    return networks.hidden[g] * STRIPE
