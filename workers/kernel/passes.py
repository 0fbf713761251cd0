"""One network's passes over a stripe of points: activations forward, the gradient back.

Both carry out the network's programs (`workers.kernel.programs`), which leave out what dead neurons
would take. A neuron once found dead is still computed for every stripe, though to no one's use: as
soon as a point activates it, the programs are written anew, and the stripe begins again. Whether a
living neuron has died is looked at now and then; until that is seen it only takes time.
"""

from __future__ import annotations

from workers.kernel.compiled import inlined
from workers.kernel.instructions import END
from workers.kernel.neurons import activate, at, backpropagate, lives, output_deltas
from workers.kernel.programs import ALIVE, RESTING, WAKING, write_backward, write_forward
from workers.kernel.simd import LANES, STRIPE, item


@inlined
def forward(networks, g, features, batches, stripe, memory, look):  # type: ignore[no-untyped-def]
    """Activations of all hidden neurons that have any, and the logits, into the workspace.

    Args:
        networks: `workers.kernel.networks.Networks`.
        g: which of them.
        features: of a point.
        batches: float32, gathered points.
        stripe: where the stripe begins in `batches`.
        memory: `workers.kernel.sgd.Scratch`; of it the workspace, and if they change, the network's
            programs and `alive` are written.
        look: whether to look for living neurons that have died.

    Returns:
        Whether the programs are new.
    """
    programs = memory.programs
    program = programs.forward_start[g]
    alive = networks.in_start[g]
    hidden = networks.hidden[g]
    new = item(programs.words, program) == END
    to_write, settled = new, False
    while True:
        # Written at one place: the code is long, and compiled at every place that calls it.
        if to_write:
            write_forward(networks, g, programs, True)
            if settled:
                write_backward(networks, g, features, programs)
                return True
        to_write = activate(
            at(programs.words, program),
            at(batches, stripe),
            at(memory.workspace, 0),
            at(networks.parameters, networks.parameter_start[g]),
        )
        if to_write:
            # All that rest are to be written, so that it can be seen which of them are alive.
            for m in range(hidden):
                if item(programs.alive, alive + m) == RESTING:
                    programs.alive[alive + m] = WAKING
            new = True
            continue
        if look or new:
            for m in range(hidden):
                state = item(programs.alive, alive + m)
                if state == WAKING or (look and state == ALIVE):
                    living = lives(at(memory.workspace, m * STRIPE))
                    new = new or not living
                    programs.alive[alive + m] = ALIVE if living else RESTING
        if not new:
            return False
        to_write = settled = True


@inlined
def backward(networks, g, features, batches, stripe, memory, fresh):  # type: ignore[no-untyped-def]
    """Gradient of the loss: a register of partial sums a parameter.

    Args:
        networks: `workers.kernel.networks.Networks`.
        g: which of them.
        features: of a point.
        batches: float32, gathered points.
        stripe: where the stripe begins in `batches`.
        memory: `workers.kernel.sgd.Scratch`; of it the workspace and `gradient` are written, the
            latter for the output's bias and where the program backward has an edge or a neuron.
        fresh: whether the stripe is the batch's first: whether the gradient is written anew.
    """
    hidden = networks.hidden[g]
    labels = stripe + features * STRIPE
    output_deltas(
        at(memory.workspace, hidden * STRIPE),
        at(batches, labels),
        at(batches, labels + STRIPE),
        at(memory.gradient, (networks.edges[g] + hidden) * LANES),
        fresh,
    )
    backpropagate(
        at(memory.programs.words, memory.programs.backward_start[g]),
        at(batches, stripe),
        at(memory.workspace, 0),
        at(memory.workspace, (hidden + 1) * STRIPE),
        at(networks.parameters, networks.parameter_start[g]),
        at(memory.gradient, 0),
        fresh,
    )
