"""A network's logits for a stripe of points, for evaluation without training."""

from __future__ import annotations

from workers.kernel.compiled import inlined
from workers.kernel.neurons import activate, pointer_to
from workers.kernel.simd import STRIPE


@inlined
def logits(networks, g, points, stripe, programs, workspace):  # type: ignore[no-untyped-def]
    """Write the activations of all hidden neurons into the workspace, followed by the logits.

    Arrays:
        points: float32, in the layout of `workers.kernel.points.all_points`.
        stripe: offset of the stripe in `points`.
        programs: `workers.kernel.programs.Programs`; the network's forward program is written, with
            all neurons alive.
        workspace: float32 [(hidden neurons + outputs) * STRIPE] or more, 64-byte aligned.

    Returns:
        Offset of the logits in `workspace`, one row for each output.
    """
    activate(
        pointer_to(programs.words, programs.forward_start[g]),
        pointer_to(points, stripe),
        pointer_to(workspace, 0),
        pointer_to(networks.parameters, networks.parameter_start[g]),
    )
    return networks.hidden[g] * STRIPE
