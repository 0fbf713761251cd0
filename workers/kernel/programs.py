"""Programs: the neurons and edges that need computing.

A neuron that no point activates is *dead* and adds nothing to its targets. A living neuron *reaches
an output* if a path of living neurons connects it to one; for all other neurons the gradient is
zero, and that of their edges. In the paper's search a quarter to two fifths of all hidden neurons
are dead, and more than half do not reach the output (`python -m benchmarks living`). The forward
program omits edges from dead neurons; the backward program omits edges to or from neurons that do
not reach an output. This changes no sum except for the sign of a zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.kernel import instructions as op
from workers.kernel.compiled import compiled
from workers.kernel.packing import PackedNetworks
from workers.kernel.simd import STRIPE, item

_ROW = 4 * STRIPE
_FLOAT = 4
_NEARBY = 8
"""Number of following neurons searched for ones with the same sources."""

_CURRENT = 2
"""Value of `emitted` for neurons in the instruction being written."""

DEAD, ALIVE, UNKNOWN = 0, 1, 2
"""States of a hidden neuron in a program: dead, so that it is only watched; alive; or computed as
alive until its activations show which."""


class Programs(NamedTuple):
    """A forward and a backward program per network, and the states of its neurons.

    Made by `empty_programs`. For all networks:
        words: int32, the programs.
        forward_start, backward_start: int64 [networks], offsets of the programs in `words`.
        alive: int64, DEAD, ALIVE or UNKNOWN for each hidden neuron; a network's states start at
            `PackedNetworks.in_start`.
        checks: int64 [networks, 2], steps until living neurons are checked for death again, and the
            present interval between such checks (`workers.kernel.passes`).
    Scratch for the network whose program is written, int64, for the largest network:
        reaches_output: [neurons], 1 for living neurons connected to an output through living ones
            and for outputs, else 0. Neurons are the hidden ones, then the outputs.
        emitted: [neurons], whether the program contains the neuron yet.
        in_count: [neurons], number of incoming edges from living sources.
        in_row, in_edge: [edges], these edges' rows, as in `PackedNetworks`, and their indices among
            the weights; a neuron's entries start where its edges start in `PackedNetworks.in_row`.
        out_count: [features + hidden neurons], number of a living source's outgoing edges to
            targets that reach an output.
        out_row, out_edge: [edges], the same for these edges, as in `PackedNetworks`.
    """

    words: NDArray[np.int32]
    forward_start: NDArray[np.int64]
    backward_start: NDArray[np.int64]
    alive: NDArray[np.int64]
    checks: NDArray[np.int64]
    reaches_output: NDArray[np.int64]
    emitted: NDArray[np.int64]
    in_count: NDArray[np.int64]
    in_row: NDArray[np.int64]
    in_edge: NDArray[np.int64]
    out_count: NDArray[np.int64]
    out_row: NDArray[np.int64]
    out_edge: NDArray[np.int64]


def empty_programs(networks: PackedNetworks, features: int) -> Programs:
    """Allocate programs that consist of END alone, with all neurons alive."""
    neurons, edges = networks.hidden + networks.outputs, int(networks.edges.max())
    most = int(neurons.max())
    lengths = program_length(neurons + features, networks.edges)
    ends = np.cumsum(2 * lengths)
    return Programs(
        words=np.full(ends[-1], op.END, np.int32),
        forward_start=ends - 2 * lengths,
        backward_start=ends - lengths,
        alive=np.full(len(networks.in_bounds), ALIVE),
        checks=np.zeros((len(networks.edges), 2), np.int64),
        reaches_output=np.zeros(most, np.int64),
        emitted=np.zeros(most, np.int64),
        in_count=np.zeros(most, np.int64),
        in_row=np.zeros(edges, np.int64),
        in_edge=np.zeros(edges, np.int64),
        out_count=np.zeros(features + int(networks.hidden.max()), np.int64),
        out_row=np.zeros(edges, np.int64),
        out_edge=np.zeros(edges, np.int64),
    )


def program_length(neurons: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the maximum number of words in a program of each network, int64 [networks].

    `neurons` and `edges` are int64 [networks]; neurons include inputs and outputs.
    """
    # At most: row, bias, WATCH and its row for a neuron; row, weight and, if the instruction has
    # one edge only, the three words before them for an edge.
    return 6 * neurons + 5 * edges + 3


@compiled
def write_forward(networks, g, programs, zeros):  # type: ignore[no-untyped-def]
    """Write a network's forward program according to `alive`; `zeros` includes zero weights.

    `words`, `in_count`, `in_row`, `in_edge` and `emitted` of the `Programs` are written.
    """
    _list_incoming(networks, g, programs, zeros)
    hidden = networks.hidden[g]
    neurons = hidden + networks.outputs[g]
    for m in range(neurons):
        programs.emitted[m] = 0
    offset = programs.forward_start[g]
    for m in range(neurons):
        if m == networks.first_hidden[g]:
            programs.words[offset] = op.FROM_NEURONS
            offset += 1
        if m == hidden:
            programs.words[offset] = op.TO_OUTPUT
            offset += 1
        if programs.emitted[m] == 0:
            if programs.in_count[m] > op.FORWARD:
                offset = _write_wide(networks, g, m, programs, offset)
            else:
                offset = _write_whole(networks, g, m, programs, offset)
    programs.words[offset] = op.END


@compiled
def _write_wide(networks, g, m, programs, offset):  # type: ignore[no-untyped-def]
    """Write a neuron with many edges, together with following neurons of the same sources.

    Returns the offset after the instructions.
    """
    words, emitted = programs.words, programs.emitted
    count = programs.in_count[m]
    last = min(m + 2 * op.WIDE - 1, _last_of_side(networks, g, m))
    together = 0
    for other in range(m, last + 1):
        if _joins(networks, g, m, other, programs):
            emitted[other] = _CURRENT
            together += 1
    if together == 1:
        return _write_parts(networks, g, m, programs, offset)
    # Two instructions of 4 neurons take less time than one of 6 and one of 2.
    most = op.WIDE if together == 2 * op.WIDE or together <= op.WIDE else (together + 1) // 2
    together = min(together, most)
    words[offset] = op.wide_neurons(together)
    words[offset + 1] = count
    offset += 2
    chosen = 0
    for other in range(m, last + 1):
        if emitted[other] == _CURRENT:
            chosen += 1
            if chosen > together:
                emitted[other] = 0
            else:
                offset = _write_neuron(networks, g, other, words, offset)
    offset = _write_edges(networks, g, m, last, programs, offset)
    for member in range(m, last + 1):
        if emitted[member] == _CURRENT:
            emitted[member] = 1
            offset = _watch(networks, g, member, programs, offset)
    return offset


@compiled
def _watch(networks, g, m, programs, offset):  # type: ignore[no-untyped-def]
    """Write WATCH for a neuron if it is dead; return the offset after it."""
    if m < networks.hidden[g] and programs.alive[networks.in_start[g] + m] == DEAD:
        programs.words[offset] = op.WATCH
        programs.words[offset + 1] = m * _ROW
        return offset + 2
    return offset


@compiled
def _write_parts(networks, g, m, programs, offset):  # type: ignore[no-untyped-def]
    """Write a neuron with many edges as several instructions; return the offset after them."""
    words = programs.words
    first = networks.in_bounds[networks.in_start[g] + m]
    count = programs.in_count[m]
    for done in range(0, count, op.FORWARD):
        now = min(count - done, op.FORWARD)
        if done == 0:
            words[offset] = op.PART
        elif count - done > op.FORWARD:
            words[offset] = op.MORE
        else:
            words[offset] = op.rest_of_neuron(now)
        offset = _write_neuron(networks, g, m, words, offset + 1)
        offset = _write_pairs(programs.in_row, programs.in_edge, first + done, now, words, offset)
    programs.emitted[m] = 1
    return _watch(networks, g, m, programs, offset)


@compiled
def _write_whole(networks, g, m, programs, offset):  # type: ignore[no-untyped-def]
    """Write a neuron with few edges, together with following living neurons of the same sources.

    Returns the offset after the instruction.
    """
    words, emitted = programs.words, programs.emitted
    alive = networks.in_start[g]
    count = programs.in_count[m]
    dead = m < networks.hidden[g] and programs.alive[alive + m] == DEAD
    last = min(m + _NEARBY, _last_of_side(networks, g, m))
    start = offset
    offset = _write_neuron(networks, g, m, words, start + 1)
    together = 1
    emitted[m] = _CURRENT
    for other in range(m + 1, last + 1):
        # No instruction computes several neurons without edges, or several dead neurons.
        if (
            count > 0
            and not dead
            and together + 1 < len(op.TOGETHER)
            and count <= op.TOGETHER[together + 1]
            and programs.alive[alive + other] != DEAD
            and _joins(networks, g, m, other, programs)
        ):
            offset = _write_neuron(networks, g, other, words, offset)
            together += 1
            emitted[other] = _CURRENT
    words[start] = op.dead_neuron(count) if dead else op.whole_neurons(together, count)
    offset = _write_edges(networks, g, m, last, programs, offset)
    for member in range(m, last + 1):
        if emitted[member] == _CURRENT:
            emitted[member] = 1
    return offset


@compiled
def _write_edges(networks, g, m, last, programs, offset):  # type: ignore[no-untyped-def]
    """Write each source of neuron m with its edges to the current neurons from m to last.

    Returns the offset after them.
    """
    words = programs.words
    bounds = networks.in_start[g]
    for k in range(programs.in_count[m]):
        words[offset] = programs.in_row[networks.in_bounds[bounds + m] + k] * _ROW
        offset += 1
        for member in range(m, last + 1):
            if programs.emitted[member] == _CURRENT:
                edge = programs.in_edge[networks.in_bounds[bounds + member] + k]
                words[offset] = edge * _FLOAT
                offset += 1
    return offset


@compiled
def _last_of_side(networks, g, m):  # type: ignore[no-untyped-def]
    """Return the last neuron of m's kind: reading the inputs, a later hidden neuron, or output."""
    first_hidden, hidden = networks.first_hidden[g], networks.hidden[g]
    if m < first_hidden:
        return first_hidden - 1
    return hidden - 1 if m < hidden else hidden + networks.outputs[g] - 1


@compiled
def _write_neuron(networks, g, m, words, offset):  # type: ignore[no-untyped-def]
    """Write the offsets of a neuron's row and bias; return the offset after them."""
    words[offset] = m * _ROW
    words[offset + 1] = (networks.edges[g] + m) * _FLOAT
    return offset + 2


@compiled
def _write_pairs(rows, edges, first, count, words, offset):  # type: ignore[no-untyped-def]
    """Write the row and the weight of each of some edges; return the offset after them."""
    for e in range(first, first + count):
        words[offset] = rows[e] * _ROW
        words[offset + 1] = edges[e] * _FLOAT
        offset += 2
    return offset


@compiled
def _list_incoming(networks, g, programs, zeros):  # type: ignore[no-untyped-def]
    """List every neuron's edges from inputs and living neurons; `zeros` includes zero weights."""
    alive = networks.in_start[g]
    bounds = networks.in_start[g]
    edge_start = networks.edge_start[g]
    weights = networks.parameter_start[g]
    for m in range(networks.hidden[g] + networks.outputs[g]):
        first = item(networks.in_bounds, bounds + m)
        kept = 0
        for e in range(first, item(networks.in_bounds, bounds + m + 1)):
            row = item(networks.in_row, edge_start + e)
            if not zeros and item(networks.parameters, weights + e) == 0:
                continue
            if m < networks.first_hidden[g] or item(programs.alive, alive + row) != DEAD:
                programs.in_row[first + kept] = row
                programs.in_edge[first + kept] = e
                kept += 1
        programs.in_count[m] = kept


@compiled
def _joins(networks, g, m, other, programs):  # type: ignore[no-untyped-def]
    """Return whether a neuron that is not emitted yet has the listed sources of neuron m."""
    bounds, count = networks.in_start[g], programs.in_count[m]
    first, second = networks.in_bounds[bounds + m], networks.in_bounds[bounds + other]
    alike = programs.emitted[other] == 0 and programs.in_count[other] == count
    return alike and _same(programs.in_row, first, second, count)


@compiled
def _same(rows, first, other, count):  # type: ignore[no-untyped-def]
    """Return whether rows[first : first + count] equals rows[other : other + count]."""
    k = 0
    while k < count and rows[first + k] == rows[other + k]:
        k += 1
    return k == count


@compiled
def write_backward(networks, g, features, programs):  # type: ignore[no-untyped-def]
    """Write a network's backward program according to `alive`.

    `words`, `reaches_output`, `out_count`, `out_row` and `out_edge` of the `Programs` are written.
    """
    _list_outgoing(networks, g, features, programs)
    words = programs.words
    bounds = networks.out_start[g]
    hidden = networks.hidden[g]
    offset = programs.backward_start[g]
    for reverse in range(hidden):
        m = hidden - 1 - reverse
        if programs.reaches_output[m] == 0:
            continue
        count = programs.out_count[features + m]
        first = networks.out_bounds[bounds + features + m]
        for done in range(0, count, op.BACKWARD):
            left = count - done
            now = min(left, op.BACKWARD)
            if done == 0:
                words[offset] = op.PART if left > op.BACKWARD else op.whole_source(now)
            else:
                words[offset] = op.MORE if left > op.BACKWARD else op.rest_of_source(now)
            offset = _write_neuron(networks, g, m, words, offset + 1)
            start = first + done
            offset = _write_pairs(programs.out_row, programs.out_edge, start, now, words, offset)
    i = 0
    while i < features:
        count = programs.out_count[i]
        first, second = networks.out_bounds[bounds + i], networks.out_bounds[bounds + i + 1]
        alike = i + 1 < features and programs.out_count[i + 1] == count
        together = 2 if alike and _same(programs.out_row, first, second, count) else 1
        most = op.FROM_INPUTS[together]
        for done in range(0, count, most):
            now = min(count - done, most)
            words[offset] = op.inputs(together, now)
            offset += 1
            for member in range(i, i + together):
                words[offset] = member * _ROW
                offset += 1
            for q in range(done, done + now):
                words[offset] = programs.out_row[first + q] * _ROW
                offset += 1
                for member in range(i, i + together):
                    edge = programs.out_edge[networks.out_bounds[bounds + member] + q]
                    words[offset] = edge * _FLOAT
                    offset += 1
        i += together
    words[offset] = op.END


@compiled
def _list_outgoing(networks, g, features, programs):  # type: ignore[no-untyped-def]
    """List the edges between neurons that reach an output, and find those neurons."""
    reaches_output = programs.reaches_output
    alive = networks.in_start[g]
    bounds = networks.out_start[g]
    edge_start = networks.edge_start[g]
    hidden = networks.hidden[g]
    for output in range(hidden, hidden + networks.outputs[g]):
        reaches_output[output] = 1
    for reverse in range(hidden + features):
        # Sources are numbered with the inputs first.
        source = hidden + features - 1 - reverse
        m = source - features
        living = m < 0 or item(programs.alive, alive + m) != DEAD
        first = item(networks.out_bounds, bounds + source)
        kept = 0
        for q in range(first, item(networks.out_bounds, bounds + source + 1)):
            row = item(networks.out_row, edge_start + q)
            if living and item(reaches_output, row) == 1:
                programs.out_row[first + kept] = row
                programs.out_edge[first + kept] = item(networks.out_edge, edge_start + q)
                kept += 1
        programs.out_count[source] = kept
        if m >= 0:
            reaches_output[m] = 1 if kept > 0 else 0
