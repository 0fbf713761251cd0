"""A network's forward and backward pass over a stripe of points.

Both execute the network's programs (`workers.kernel.programs`), which skip the work of dead
neurons. The weighted sums of dead neurons are still computed for every stripe: when a point
activates one, the programs are rewritten and the stripe is computed again. Living neurons are
checked for death only occasionally; a late check costs time, not correctness. A network whose dead
neurons revive is checked less often, since rewriting its programs takes as long as several steps.
"""

from __future__ import annotations

from workers.kernel.compiled import compiled, inlined
from workers.kernel.instructions import END
from workers.kernel.neurons import (
    activate,
    backpropagate,
    has_activation,
    output_deltas,
    pointer_to,
)
from workers.kernel.programs import ALIVE, DEAD, UNKNOWN, write_backward, write_forward
from workers.kernel.simd import LANES, STRIPE, item
from workers.kernel.softmax import softmax_deltas

MIN_CHECK_INTERVAL, MAX_CHECK_INTERVAL = 39, 39 * 16
"""Minimum and maximum number of steps between two checks of a network for neurons that died."""


@compiled
def check_due(programs, g, steps):  # type: ignore[no-untyped-def]
    """Return whether to check a network for neurons that died before its next `steps` steps.

    The interval between checks halves at each check, and `forward` makes it four times as long when
    a dead neuron turns out to be alive.
    """
    programs.checks[g, 0] -= steps
    due = programs.checks[g, 0] <= 0
    if due:
        programs.checks[g, 1] = max(programs.checks[g, 1] // 2, MIN_CHECK_INTERVAL)
        programs.checks[g, 0] = programs.checks[g, 1]
    return due


@inlined
def forward(networks, g, stripe, memory, check):  # type: ignore[no-untyped-def]
    """Write the activations of all living hidden neurons and the logits into the workspace.

    The programs of network g and `alive` are written if they change; returns whether they were.
    `stripe` is the offset of the stripe in `memory.batches`; `memory` is a
    `workers.kernel.sgd.Scratch`; with `check`, living neurons are checked for death.
    """
    programs = memory.programs
    program = programs.forward_start[g]
    alive = networks.in_start[g]
    hidden = networks.hidden[g]
    new = item(programs.words, program) == END
    to_write, settled = new, False
    while True:
        # One call site, since the long code of `write_forward` is compiled into every caller.
        if to_write:
            write_forward(networks, g, programs, True)
            if settled:
                write_backward(networks, g, memory.features, programs)
                return True
        to_write = activate(
            pointer_to(programs.words, program),
            pointer_to(memory.batches, stripe),
            pointer_to(memory.workspace, 0),
            pointer_to(networks.parameters, networks.parameter_start[g]),
        )
        if to_write:
            programs.checks[g, 1] = min(4 * programs.checks[g, 1], MAX_CHECK_INTERVAL)
            # Write the rows of all dead neurons to find out which of them are alive.
            for m in range(hidden):
                if item(programs.alive, alive + m) == DEAD:
                    programs.alive[alive + m] = UNKNOWN
            new = True
            continue
        if check or new:
            for m in range(hidden):
                state = item(programs.alive, alive + m)
                if state == UNKNOWN or (check and state == ALIVE):
                    living = has_activation(pointer_to(memory.workspace, m * STRIPE))
                    new = new or not living
                    programs.alive[alive + m] = ALIVE if living else DEAD
        if not new:
            return False
        to_write = settled = True


@inlined
def backward(networks, g, stripe, memory, fresh):  # type: ignore[no-untyped-def]
    """Compute the gradient of the loss, as one register of partial sums per parameter.

    The workspace is written, and `gradient` for the outputs' biases and for the edges and neurons
    of the backward program. `fresh`: the stripe is the batch's first, so that the gradient is
    overwritten. The other arguments are those of `forward`.
    """
    hidden = networks.hidden[g]
    outputs = networks.outputs[g]
    labels = stripe + memory.features * STRIPE
    biases = (networks.edges[g] + hidden) * LANES
    if outputs == 1:
        output_deltas(
            pointer_to(memory.workspace, hidden * STRIPE),
            pointer_to(memory.batches, labels),
            pointer_to(memory.batches, labels + STRIPE),
            pointer_to(memory.gradient, biases),
            fresh,
        )
    else:
        softmax_deltas(
            memory.workspace,
            hidden * STRIPE,
            outputs,
            memory.batches,
            labels,
            memory.gradient,
            biases,
            fresh,
        )
    backpropagate(
        pointer_to(memory.programs.words, memory.programs.backward_start[g]),
        pointer_to(memory.batches, stripe),
        pointer_to(memory.workspace, 0),
        pointer_to(memory.workspace, (hidden + outputs) * STRIPE),
        pointer_to(networks.parameters, networks.parameter_start[g]),
        pointer_to(memory.gradient, 0),
        fresh,
    )
