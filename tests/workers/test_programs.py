"""Programs contain every living edge of the masks exactly once."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workers.kernel import instructions as code
from workers.kernel.packing import PackedNetworks, pack_values, topology
from workers.kernel.programs import (
    ALIVE,
    DEAD,
    Programs,
    empty_programs,
    program_length,
    write_backward,
    write_forward,
)
from workers.kernel.simd import STRIPE

INPUTS = 2
ROW = 4 * STRIPE


class Network(NamedTuple):
    """A network's masks and the states of its hidden neurons."""

    masks: list[NDArray[np.bool_]]
    alive: NDArray[np.bool_]


@st.composite
def networks_of_any_shape(draw: st.DrawFn) -> Network:
    """Networks of up to four layers, narrow or wide, dense or masked, with dead neurons."""
    widths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=3))
    sizes = (INPUTS, *widths, 1)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    density = draw(st.sampled_from((0.0, 0.3, 0.9, 1.0)))
    masks = [rng.random((n_out, n_in)) < density for n_in, n_out in pairwise(sizes)]
    alive = rng.random(sum(widths)) < draw(st.sampled_from((0.0, 0.5, 0.9, 1.0)))
    return Network(masks, alive)


def written(members: list[Network], g: int) -> tuple[PackedNetworks, Programs]:
    """Write both programs of network g among other networks."""
    shapes = [topology(network.masks) for network in members]
    sizes = [len(shape.flat) + shape.hidden + 1 for shape in shapes]
    networks = pack_values(shapes, [np.zeros(size, np.float32) for size in sizes])
    programs = empty_programs(networks, INPUTS)
    for network, first in zip(members, networks.in_start, strict=True):
        states = np.where(network.alive, ALIVE, DEAD)
        programs.alive[first : first + len(states)] = states
    programs.words[:] = -1
    write_forward(networks, g, programs, True)
    write_backward(networks, g, INPUTS, programs)
    return networks, programs


def decoded(
    words: NDArray[np.int32], kinds: dict[int, tuple[str, int, int | None]]
) -> list[tuple[str, list[tuple[int, int]], list[tuple[int, list[int]]]]]:
    """Decode a program: name, (row, bias index) of each neuron, edges.

    Edges are (row of the other end, indices of the weights). `kinds` has an instruction's name, its
    number of neurons, and the number of edges of each, or None if the program says it.
    """
    found = []
    offset = 0
    while words[offset] != code.END:
        name, n, k = kinds[int(words[offset])]
        offset += 1
        if k is None:
            k = int(words[offset])
            offset += 1
        with_bias = name not in ("watch", "inputs")
        own = []
        for _ in range(n):
            own.append((words[offset] // ROW, words[offset + 1] // 4 if with_bias else -1))
            offset += 2 if with_bias else 1
        edges: list[tuple[int, list[int]]] = []
        for _ in range(k):
            edges.append((words[offset] // ROW, (words[offset + 1 : offset + 1 + n] // 4).tolist()))
            offset += 1 + n
        found.append((name, own, edges))
    return found


FORWARD_KINDS: dict[int, tuple[str, int, int | None]] = {
    code.FROM_NEURONS: ("from neurons", 0, 0),
    code.TO_OUTPUT: ("to output", 0, 0),
    code.PART: ("part", 1, code.FORWARD),
    code.MORE: ("more", 1, code.FORWARD),
    code.WATCH: ("watch", 1, 0),
    **{code.rest_of_neuron(k): ("rest", 1, k) for k in range(1, code.FORWARD + 1)},
    **{code.dead_neuron(k): ("resting", 1, k) for k in range(code.FORWARD + 1)},
    **{
        code.whole_neurons(n, k): ("whole", n, k)
        for n, most in enumerate(code.TOGETHER)
        for k in range(most + 1)
        if n == 1 or (n > 1 and k > 0)
    },
    **{code.wide_neurons(n): ("wide", n, None) for n in range(2, code.WIDE + 1)},
}
BACKWARD_KINDS: dict[int, tuple[str, int, int | None]] = {
    code.PART: ("part", 1, code.BACKWARD),
    code.MORE: ("more", 1, code.BACKWARD),
    **{code.rest_of_source(k): ("rest", 1, k) for k in range(1, code.BACKWARD + 1)},
    **{code.whole_source(k): ("whole", 1, k) for k in range(1, code.BACKWARD + 1)},
    **{
        code.inputs(n, k): ("inputs", n, k)
        for n, most in enumerate(code.FROM_INPUTS)
        for k in range(1, most + 1)
    },
}


def all_edges(network: Network) -> list[tuple[int, int, int]]:
    """(source, target, index) of every edge; neurons are numbered with the inputs first."""
    edges: list[tuple[int, int, int]] = []
    first = 0
    for mask in network.masks:
        for target, source in np.argwhere(mask):
            edges.append((first + source, first + mask.shape[1] + target, len(edges)))
        first += mask.shape[1]
    return edges


def has_activation(network: Network, neuron: int) -> bool:
    """Return whether a neuron is alive; inputs and the output always are."""
    hidden = neuron - INPUTS
    return not 0 <= hidden < len(network.alive) or bool(network.alive[hidden])


def test_instructions_have_distinct_first_words() -> None:
    assert len(FORWARD_KINDS) == 5 + 2 * code.FORWARD + 1 + sum(code.TOGETHER) + code.WIDE
    assert len(BACKWARD_KINDS) == 2 + 2 * code.BACKWARD + sum(code.FROM_INPUTS)
    assert code.END not in FORWARD_KINDS | BACKWARD_KINDS


@settings(max_examples=150)
@given(st.lists(networks_of_any_shape(), min_size=1, max_size=3), st.data())
def test_forward_program_contains_every_neuron_and_living_edge_once(
    members: list[Network], data: st.DataObject
) -> None:
    g = data.draw(st.integers(0, len(members) - 1))
    network = members[g]
    networks, programs = written(members, g)
    hidden = len(network.alive)
    found = []
    neurons: Counter[int] = Counter()
    resting = set()
    from_neurons = False
    order = []
    for name, own, edges in decoded(programs.words[programs.forward_start[g] :], FORWARD_KINDS):
        order.append(name)
        if name == "from neurons":
            from_neurons = True
        if name in ("resting", "watch"):
            resting.add(own[0][0])
        if name in ("part", "whole", "wide", "resting"):
            neurons.update(row for row, _ in own)
        for row, weights in edges:
            source = row + INPUTS if from_neurons else row
            assert name == "resting" or not from_neurons or row < min(m for m, _ in own)
            found += [(source, m + INPUTS, w) for (m, _), w in zip(own, weights, strict=True)]
        for m, bias in own:
            assert bias in (-1, networks.edges[g] + m)
    assert neurons == Counter(range(hidden + 1))
    assert resting == {m for m in range(hidden) if not network.alive[m]}
    expected = [edge for edge in all_edges(network) if has_activation(network, edge[0])]
    assert sorted(found) == sorted(expected)
    assert order.index("to output") >= len(order) - 2 - hidden
    # A neuron's edges are summed in the order of its weights, which decides the bits.
    for m in range(hidden + 1):
        indices = [index for _, target, index in found if target == m + INPUTS]
        assert indices == sorted(indices)


@settings(max_examples=150)
@given(networks_of_any_shape(), st.integers(0, 10**6))
def test_program_without_zeros_contains_the_nonzero_weights(network: Network, seed: int) -> None:
    networks, programs = written([Network(network.masks, np.ones_like(network.alive))], 0)
    weights = networks.parameters[: networks.edges[0]]
    weights[:] = np.random.default_rng(seed).integers(-1, 2, len(weights))
    write_forward(networks, 0, programs, False)
    found: Counter[int] = Counter()
    neurons: Counter[int] = Counter()
    for name, own, edges in decoded(programs.words[programs.forward_start[0] :], FORWARD_KINDS):
        assert name not in ("resting", "watch")
        if name in ("part", "whole", "wide"):
            neurons.update(row for row, _ in own)
        for _, indices in edges:
            found.update(indices)
    assert found == Counter(np.flatnonzero(weights).tolist())
    assert neurons == Counter(range(len(network.alive) + 1))


@settings(max_examples=150)
@given(st.lists(networks_of_any_shape(), min_size=1, max_size=3), st.data())
def test_backward_program_contains_every_edge_with_a_gradient(
    members: list[Network], data: st.DataObject
) -> None:
    g = data.draw(st.integers(0, len(members) - 1))
    network = members[g]
    networks, programs = written(members, g)
    hidden = len(network.alive)
    edges = all_edges(network)
    reaches_output = {hidden + INPUTS}
    for source, target, _ in sorted(edges, reverse=True):
        if target in reaches_output and has_activation(network, source):
            reaches_output.add(source)
    found = []
    done = []
    for name, own, instruction_edges in decoded(
        programs.words[programs.backward_start[g] :], BACKWARD_KINDS
    ):
        shift = 0 if name == "inputs" else INPUTS
        for row, weights in instruction_edges:
            # Deltas are written before they are read.
            assert row == hidden or row in done or name in ("more", "rest")
            found += [(m + shift, row + INPUTS, w) for (m, _), w in zip(own, weights, strict=True)]
        if name in ("whole", "rest"):
            done.append(own[0][0])
            assert own[0][1] == networks.edges[g] + own[0][0]
    expected = [edge for edge in edges if edge[0] in reaches_output and edge[1] in reaches_output]
    assert sorted(found) == sorted(expected)
    assert sorted(done) == sorted(
        m - INPUTS for m in reaches_output if INPUTS <= m < hidden + INPUTS
    )


@settings(max_examples=150)
@given(st.lists(networks_of_any_shape(), min_size=1, max_size=3), st.data())
def test_program_fits_in_its_memory(members: list[Network], data: st.DataObject) -> None:
    g = data.draw(st.integers(0, len(members) - 1))
    networks, programs = written(members, g)
    length = program_length(networks.hidden + INPUTS + 1, networks.edges)[g]
    forward, backward = programs.forward_start[g], programs.backward_start[g]
    touched = np.flatnonzero(programs.words != -1)
    assert backward == forward + length
    assert set(touched) <= set(range(forward, backward + length))
    for start in (forward, backward):
        used = np.flatnonzero(programs.words[start : start + length] == -1)
        assert programs.words[start + (used[0] if len(used) else length) - 1] == code.END


def test_neurons_with_many_sources_share_instructions() -> None:
    masks = [np.ones((n_out, n_in), np.bool_) for n_in, n_out in pairwise((INPUTS, 20, 20, 1))]
    _, programs = written([Network(masks, np.ones(40, np.bool_))], 0)
    found = decoded(programs.words[programs.forward_start[0] :], FORWARD_KINDS)
    second_layer = [len(own) for name, own, edges in found if name == "wide" and len(edges) == 20]
    assert sum(second_layer) == 20
    assert min(second_layer) > code.WIDE // 2


def test_neurons_with_the_same_sources_share_an_instruction() -> None:
    masks = [np.ones((n_out, n_in), np.bool_) for n_in, n_out in pairwise((INPUTS, 7, 3, 1))]
    _, programs = written([Network(masks, np.ones(10, np.bool_))], 0)
    found = decoded(programs.words[programs.forward_start[0] :], FORWARD_KINDS)
    first_layer = [len(own) for name, own, edges in found if name == "whole" and len(edges) == 2]
    most = max(n for n, k in enumerate(code.TOGETHER) if k >= 2)
    assert first_layer == [most] * (7 // most) + [7 % most] * (7 % most > 0)
    back = decoded(programs.words[programs.backward_start[0] :], BACKWARD_KINDS)
    assert all(len(own) == 2 for name, own, _ in back if name == "inputs")


@pytest.mark.parametrize("width", [1, 9, 64])
def test_layer_without_edges_has_a_program(width: int) -> None:
    masks = [np.zeros((width, INPUTS), np.bool_), np.zeros((1, width), np.bool_)]
    _, programs = written([Network(masks, np.ones(width, np.bool_))], 0)
    found = decoded(programs.words[programs.forward_start[0] :], FORWARD_KINDS)
    assert sum(name == "whole" for name, *_ in found) == width + 1
    assert programs.words[programs.backward_start[0]] == code.END
