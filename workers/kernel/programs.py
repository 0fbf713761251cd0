"""Writes a network's programs: which neurons and edges have work to do.

A neuron that no point activates is *dead*: it adds nothing to its targets. Only a living neuron
from which living ones lead to the output *leads on*; the gradient of all others is zero, and that
of their edges. Small networks have many of both, most of them for long: in the paper's search a
quarter to two fifths of all hidden neurons are dead, and more than half do not lead on
(`python -m benchmarks living`). Edges from the dead are left out going forward, edges to or from
neurons that do not lead on going back, which changes no sum but in the sign of a zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.kernel.compiled import compiled
from workers.kernel.instructions import (
    BACKWARD,
    END,
    FORWARD,
    FROM_INPUTS,
    FROM_NEURONS,
    MORE,
    PART,
    TO_OUTPUT,
    TOGETHER,
    WATCH,
    inputs,
    rest_of_neuron,
    rest_of_source,
    resting_neuron,
    whole_neurons,
    whole_source,
)
from workers.kernel.networks import Networks
from workers.kernel.simd import STRIPE, item

_ROW = 4 * STRIPE
_FLOAT = 4
_NEARBY = 8
"""Neurons behind a neuron among which ones with the same sources are looked for."""

_NOW = 2
"""In `listed`: in the instruction that is being written."""

RESTING, ALIVE, WAKING = 0, 1, 2
"""What a program takes a hidden neuron for: dead, so that it is only watched; alive; or alive until
its activations are there to tell."""


class Programs(NamedTuple):
    """Two programs of every network, and which neurons they take to be alive; made by `unwritten`.

    Of every network:
        words: int32, its programs, the one forward and the one backward.
        forward_start, backward_start: int64 [networks], where they begin.
        alive: int64, beginning at `Networks.in_start`, for each hidden neuron one of RESTING, ALIVE
            and WAKING.
    int64, for the largest network, what is noted down while they are written:
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


def unwritten(networks: Networks, features: int) -> Programs:
    """Memory for the networks' programs, with END for each program, and all neurons alive.

    Args:
        networks: packed.
        features: of a point.
    """
    hidden, edges = int(networks.hidden.max()), int(networks.edges.max())
    lengths = program_length(networks.hidden + features + 1, networks.edges)
    ends = np.cumsum(2 * lengths)
    return Programs(
        words=np.full(ends[-1], END, np.int32),
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


def program_length(neurons: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Words that no program of a network exceeds.

    Args:
        neurons: int64 [networks], of each, inputs and the output among them.
        edges: int64 [networks].
    """
    # At most: own row, bias, WATCH and its row for a neuron; row, weight and, where an instruction
    # has one edge only, the three words before it for an edge.
    return 6 * neurons + 5 * edges + 3


@compiled
def write_forward(networks, g, programs, zeros):  # type: ignore[no-untyped-def]
    """Writes a network's program forward, from `alive`.

    Args:
        networks: `workers.kernel.networks.Networks`.
        g: which of them.
        programs: `Programs`; of it `words`, `in_count`, `in_row`, `in_edge` and `listed` are
            written.
        zeros: bool, whether also weights are to be in the program that are zero at present.
    """
    _list_incoming(networks, g, programs, zeros)
    hidden = networks.hidden[g]
    for m in range(hidden + 1):
        programs.listed[m] = 0
    place = programs.forward_start[g]
    for m in range(hidden + 1):
        if m == networks.first_hidden[g]:
            programs.words[place] = FROM_NEURONS
            place += 1
        if m == hidden:
            programs.words[place] = TO_OUTPUT
            place += 1
        if programs.listed[m] == 0:
            if programs.in_count[m] > FORWARD:
                place = _write_parts(networks, g, m, programs, place)
            else:
                place = _write_whole(networks, g, m, programs, place)
    programs.words[place] = END


@compiled
def _write_parts(networks, g, m, programs, place):  # type: ignore[no-untyped-def]
    """Writes a neuron of many edges, some of them at a time; returns the place behind."""
    words = programs.words
    first = networks.in_bounds[networks.in_start[g] + m]
    count = programs.in_count[m]
    for done in range(0, count, FORWARD):
        now = min(count - done, FORWARD)
        if done == 0:
            words[place] = PART
        elif count - done > FORWARD:
            words[place] = MORE
        else:
            words[place] = rest_of_neuron(now)
        place = _own(networks, g, m, words, place + 1)
        for e in range(first + done, first + done + now):
            words[place] = programs.in_row[e] * _ROW
            words[place + 1] = programs.in_edge[e] * _FLOAT
            place += 2
    if m < networks.hidden[g] and programs.alive[networks.in_start[g] + m] == RESTING:
        words[place] = WATCH
        words[place + 1] = m * _ROW
        place += 2
    return place


@compiled
def _write_whole(networks, g, m, programs, place):  # type: ignore[no-untyped-def]
    """Writes a neuron of few edges and living ones nearby of the same sources.

    Returns the place behind.
    """
    words, listed = programs.words, programs.listed
    alive = bounds = networks.in_start[g]
    count = programs.in_count[m]
    rests = m < networks.hidden[g] and programs.alive[alive + m] == RESTING
    last = min(m + _NEARBY, _last_of_side(networks, g, m))
    start = place
    place = _own(networks, g, m, words, start + 1)
    together = 1
    listed[m] = _NOW
    for other in range(m + 1, last + 1):
        # No instruction is for several neurons without edges, or for several that rest.
        if (
            count > 0
            and not rests
            and together + 1 < len(TOGETHER)
            and count <= TOGETHER[together + 1]
            and listed[other] == 0
            and programs.alive[alive + other] != RESTING
            and programs.in_count[other] == count
            and _same(
                programs.in_row,
                networks.in_bounds[bounds + m],
                networks.in_bounds[bounds + other],
                count,
            )
        ):
            place = _own(networks, g, other, words, place)
            together += 1
            listed[other] = _NOW
    words[start] = resting_neuron(count) if rests else whole_neurons(together, count)
    for k in range(count):
        words[place] = programs.in_row[networks.in_bounds[bounds + m] + k] * _ROW
        place += 1
        for member in range(m, last + 1):
            if listed[member] == _NOW:
                edge = programs.in_edge[networks.in_bounds[bounds + member] + k]
                words[place] = edge * _FLOAT
                place += 1
    for member in range(m, last + 1):
        if listed[member] == _NOW:
            listed[member] = 1
    return place


@compiled
def _last_of_side(networks, g, m):  # type: ignore[no-untyped-def]
    """The last neuron like m: one that reads the inputs, a later hidden one, or the output."""
    first_hidden, hidden = networks.first_hidden[g], networks.hidden[g]
    if m < first_hidden:
        return first_hidden - 1
    return hidden - 1 if m < hidden else hidden


@compiled
def _own(networks, g, m, words, place):  # type: ignore[no-untyped-def]
    """Writes where a neuron's row and bias are; returns the place behind."""
    words[place] = m * _ROW
    words[place + 1] = (networks.edges[g] + m) * _FLOAT
    return place + 2


@compiled
def _list_incoming(networks, g, programs, zeros):  # type: ignore[no-untyped-def]
    """Lists every neuron's edges from inputs and living neurons, those of zeros if wanted."""
    alive = networks.in_start[g]
    bounds = networks.in_start[g]
    edge_start = networks.edge_start[g]
    weights = networks.parameter_start[g]
    for m in range(networks.hidden[g] + 1):
        first = item(networks.in_bounds, bounds + m)
        kept = 0
        for e in range(first, item(networks.in_bounds, bounds + m + 1)):
            row = item(networks.in_row, edge_start + e)
            if not zeros and item(networks.parameters, weights + e) == 0:
                continue
            if m < networks.first_hidden[g] or item(programs.alive, alive + row) != RESTING:
                programs.in_row[first + kept] = row
                programs.in_edge[first + kept] = e
                kept += 1
        programs.in_count[m] = kept


@compiled
def _same(rows, first, other, count):  # type: ignore[no-untyped-def]
    """Whether so many rows from one place on are those from another place on."""
    k = 0
    while k < count and rows[first + k] == rows[other + k]:
        k += 1
    return k == count


@compiled
def write_backward(networks, g, features, programs):  # type: ignore[no-untyped-def]
    """Writes a network's program backward, from `alive`.

    Args:
        networks: `workers.kernel.networks.Networks`.
        g: which of them.
        features: of a point.
        programs: `Programs`; of it `words`, `leads_on`, `out_count`, `out_row` and
            `out_edge` are written.
    """
    _list_outgoing(networks, g, features, programs)
    words = programs.words
    bounds = networks.out_start[g]
    hidden = networks.hidden[g]
    place = programs.backward_start[g]
    for reverse in range(hidden):
        m = hidden - 1 - reverse
        if programs.leads_on[m] == 0:
            continue
        count = programs.out_count[features + m]
        first = networks.out_bounds[bounds + features + m]
        for done in range(0, count, BACKWARD):
            left = count - done
            now = min(left, BACKWARD)
            if done == 0:
                words[place] = PART if left > BACKWARD else whole_source(now)
            else:
                words[place] = MORE if left > BACKWARD else rest_of_source(now)
            place = _own(networks, g, m, words, place + 1)
            for q in range(first + done, first + done + now):
                words[place] = programs.out_row[q] * _ROW
                words[place + 1] = programs.out_edge[q] * _FLOAT
                place += 2
    i = 0
    while i < features:
        count = programs.out_count[i]
        together = 1
        if (
            i + 1 < features
            and programs.out_count[i + 1] == count
            and _same(
                programs.out_row,
                networks.out_bounds[bounds + i],
                networks.out_bounds[bounds + i + 1],
                count,
            )
        ):
            together = 2
        most = FROM_INPUTS[together]
        for done in range(0, count, most):
            now = min(count - done, most)
            words[place] = inputs(together, now)
            place += 1
            for member in range(i, i + together):
                words[place] = member * _ROW
                place += 1
            for q in range(done, done + now):
                words[place] = programs.out_row[networks.out_bounds[bounds + i] + q] * _ROW
                place += 1
                for member in range(i, i + together):
                    edge = programs.out_edge[networks.out_bounds[bounds + member] + q]
                    words[place] = edge * _FLOAT
                    place += 1
        i += together
    words[place] = END


@compiled
def _list_outgoing(networks, g, features, programs):  # type: ignore[no-untyped-def]
    """Lists the outgoing edges whose ends both lead on, and which neurons do."""
    leads_on = programs.leads_on
    alive = networks.in_start[g]
    bounds = networks.out_start[g]
    edge_start = networks.edge_start[g]
    hidden = networks.hidden[g]
    leads_on[hidden] = 1
    for reverse in range(hidden + features):
        # Sources are numbered with the inputs first.
        source = hidden + features - 1 - reverse
        m = source - features
        living = m < 0 or item(programs.alive, alive + m) != RESTING
        first = item(networks.out_bounds, bounds + source)
        kept = 0
        for q in range(first, item(networks.out_bounds, bounds + source + 1)):
            row = item(networks.out_row, edge_start + q)
            if living and item(leads_on, row) == 1:
                programs.out_row[first + kept] = row
                programs.out_edge[first + kept] = item(networks.out_edge, edge_start + q)
                kept += 1
        programs.out_count[source] = kept
        if m >= 0:
            leads_on[m] = 1 if kept > 0 else 0
