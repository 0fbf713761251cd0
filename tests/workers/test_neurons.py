"""Each instruction of a program compared with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.kernel import instructions as code
from workers.kernel import neurons
from workers.kernel.compiled import compiled
from workers.kernel.neurons import pointer_to
from workers.kernel.simd import LANES, STRIPE, aligned_zeros

ROWS = 24
"""Rows of the workspace: the neurons, then one of partial sums."""

PARAMETERS = 64
BIAS = 50
"""Index of the first neuron's bias; those of its neighbours follow."""

OWN = (0, 1, 2, 3)
"""Rows of the neurons or inputs of the instruction; the rows of the other ends follow."""

ALL_AT_ONCE = [
    (n, k)
    for n, most in enumerate(code.TOGETHER)
    for k in range(most + 1)
    if n > 0 and (n == 1 or k > 0)
]
ALL_INPUTS = [(n, k) for n, most in enumerate(code.FROM_INPUTS) for k in range(1, most + 1)]
MANY = [code.FORWARD + 1, 2 * code.FORWARD, 2 * code.FORWARD + 3]
"""Numbers of edges that need several instructions."""

Floats = NDArray[np.float32]


@compiled
def _activate(words, stripe, workspace, parameters, woken):  # type: ignore[no-untyped-def]
    woken[0] = neurons.activate(
        pointer_to(words, 0),
        pointer_to(stripe, 0),
        pointer_to(workspace, 0),
        pointer_to(parameters, 0),
    )


@compiled
def _backpropagate(words, stripe, workspace, parameters, gradient, fresh):  # type: ignore[no-untyped-def]
    neurons.backpropagate(
        pointer_to(words, 0),
        pointer_to(stripe, 0),
        pointer_to(workspace, 0),
        pointer_to(workspace, (ROWS - 1) * STRIPE),
        pointer_to(parameters, 0),
        pointer_to(gradient, 0),
        fresh,
    )


@compiled
def _output_deltas(logits, labels, scales, gradient, fresh):  # type: ignore[no-untyped-def]
    neurons.output_deltas(
        pointer_to(logits, 0),
        pointer_to(labels, 0),
        pointer_to(scales, 0),
        pointer_to(gradient, 0),
        fresh,
    )


def drawn(seed: int) -> tuple[Floats, Floats, Floats]:
    """Random inputs [4, STRIPE], workspace [ROWS, STRIPE] and parameters [PARAMETERS]."""
    rng = np.random.default_rng(seed)
    arrays = []
    for rows, columns in ((4, STRIPE), (ROWS, STRIPE), (1, PARAMETERS)):
        array = aligned_zeros(rows * columns).reshape(rows, columns)
        array[:] = rng.normal(size=array.shape)
        arrays.append(array)
    return arrays[0], arrays[1], arrays[2][0]


def weight(k: int, member: int) -> int:
    """Index of the weight of a neuron's k-th edge; the indices are not in order."""
    return (7 * k + 11 * member + 3) % BIAS


def own_words(n: int) -> list[int]:
    """Words for row and bias of n neurons."""
    return [word for m in range(n) for word in (4 * STRIPE * OWN[m], 4 * (BIAS + m))]


def edge_words(n: int, first: int, number: int, row: int) -> list[int]:
    """Words for row and n weights of `number` edges; the first one ends at `row`."""
    words = []
    for k in range(first, first + number):
        words += [4 * STRIPE * (row + k), *(4 * weight(k, member) for member in range(n))]
    return words


def forward_program(n: int, k: int, source: int, *, rests: bool) -> list[int]:
    """Instructions for n neurons of k sources, whose rows start at `source`."""
    if k <= code.FORWARD:
        first = code.dead_neuron(k) if rests else code.whole_neurons(n, k)
        return [first, *own_words(n), *edge_words(n, 0, k, source)]
    words = []
    for done in range(0, k, code.FORWARD):
        now = min(k - done, code.FORWARD)
        kind = code.PART if done == 0 else code.MORE
        words.append(kind if k - done > code.FORWARD else code.rest_of_neuron(now))
        words += own_words(1) + edge_words(1, done, now, source)
    return [*words, code.WATCH, 4 * STRIPE * OWN[0]] if rests else words


def executed(program: list[int], arrays: tuple[Floats, Floats, Floats]) -> bool:
    """Run a program; return whether a dead neuron became alive."""
    woken = np.zeros(1, np.bool_)
    _activate(np.array([*program, code.END], np.int32), *(a.ravel() for a in arrays), woken)
    return bool(woken[0])


def weighted_sums(
    values: NDArray[Any], parameters: NDArray[Any], k: int, member: int
) -> NDArray[Any]:
    """float64 [STRIPE]: the weighted sum of a neuron's first k sources."""
    z = np.full(STRIPE, float(parameters[BIAS + member]))
    for edge in range(k):
        z += float(parameters[weight(edge, member)]) * values[edge].astype(np.float64)
    return z


@pytest.mark.parametrize("to_output", [False, True])
@pytest.mark.parametrize(("n", "k"), [*ALL_AT_ONCE, *((1, k) for k in MANY)])
def test_forward_pass_counts_every_edge_once(n: int, k: int, to_output: bool) -> None:
    arrays = drawn(k)
    _, workspace, parameters = arrays
    before = workspace.copy()
    program = [code.FROM_NEURONS, *([code.TO_OUTPUT] if to_output else [])]
    assert not executed(program + forward_program(n, k, 4, rests=False), arrays)
    for member in range(n):
        z = weighted_sums(before[4:], parameters, k, member)
        expected = z if to_output else np.maximum(z, 0)
        np.testing.assert_allclose(workspace[member], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(workspace[n:], before[n:])


@pytest.mark.parametrize("n", range(1, len(code.TOGETHER)))
def test_first_layer_reads_inputs(n: int) -> None:
    arrays = drawn(0)
    stripe, workspace, parameters = arrays
    executed(forward_program(n, 2, 1, rests=False), arrays)
    for member in range(n):
        expected = np.maximum(weighted_sums(stripe[1:], parameters, 2, member), 0)
        np.testing.assert_allclose(workspace[member], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("k", [0, 1, code.FORWARD, *MANY])
@pytest.mark.parametrize("point", [None, 0, STRIPE // 2 + 3, STRIPE - 1])
def test_neuron_that_becomes_alive_is_detected(k: int, point: int | None) -> None:
    arrays = drawn(k)
    _, workspace, parameters = arrays
    workspace[4:] = 0
    parameters[BIAS] = 0 if k > 0 or point is None else 0.5
    if k > 0 and point is not None:
        workspace[4 + k - 1, point] = parameters[weight(k - 1, 0)]
    program = [code.FROM_NEURONS, *forward_program(1, k, 4, rests=True)]
    assert executed(program, arrays) == (point is not None)
    # A later neuron does not reset the flag.
    parameters[BIAS + 1] = -1
    asleep = [code.dead_neuron(0), 0, 4 * (BIAS + 1)]
    assert executed(program + asleep, arrays) == (point is not None)


def test_relu_maps_nan_to_zero() -> None:
    arrays = drawn(1)
    _, workspace, _ = arrays
    workspace[4, 5] = np.nan
    executed([code.FROM_NEURONS, *forward_program(1, 1, 4, rests=False)], arrays)
    assert workspace[0, 5] == 0
    assert np.isfinite(workspace[0]).all()


@pytest.mark.parametrize("point", [None, 0, STRIPE - 1])
def test_has_activation_detects_any_nonzero_point(point: int | None) -> None:
    row = aligned_zeros(STRIPE)
    if point is not None:
        row[point] = 1e-45
    alive = np.zeros(1, np.bool_)
    _lives(row, alive)
    assert alive[0] == (point is not None)


@compiled
def _lives(row, alive):  # type: ignore[no-untyped-def]
    alive[0] = neurons.has_activation(pointer_to(row, 0))


def slopes(fresh: bool) -> tuple[Floats, NDArray[np.float64]]:
    """Initial gradient [PARAMETERS, LANES], and its row sums unless it is overwritten."""
    gradient = aligned_zeros(PARAMETERS * LANES).reshape(PARAMETERS, LANES)
    gradient[:] = np.nan if fresh else np.arange(PARAMETERS * LANES).reshape(PARAMETERS, LANES)
    initial_sums = np.zeros(PARAMETERS) if fresh else gradient.astype(np.float64).sum(axis=1)
    return gradient, initial_sums


def backward_program(k: int) -> list[int]:
    """Instructions for a neuron of k targets."""
    words = []
    for done in range(0, k, code.BACKWARD):
        now = min(k - done, code.BACKWARD)
        if k <= code.BACKWARD:
            words.append(code.whole_source(k))
        elif done == 0:
            words.append(code.PART)
        else:
            more = k - done > code.BACKWARD
            words.append(code.MORE if more else code.rest_of_source(now))
        words += own_words(1) + edge_words(1, done, now, 4)
    return words


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("k", range(1, 2 * code.BACKWARD + 3))
def test_backward_pass_counts_every_edge_once(k: int, fresh: bool) -> None:
    stripe, workspace, parameters = drawn(k)
    workspace[0] = np.maximum(workspace[0], 0)
    before = workspace.astype(np.float64)
    gradient, initial_sums = slopes(fresh)
    words = np.array([*backward_program(k), code.END], np.int32)
    arrays = (stripe.ravel(), workspace.ravel(), parameters, gradient.ravel())
    _backpropagate(words, *arrays, fresh)
    delta = np.zeros(STRIPE)
    for edge in range(k):
        delta += float(parameters[weight(edge, 0)]) * before[4 + edge]
    delta = np.where(before[0] > 0, delta, 0)
    np.testing.assert_allclose(workspace[0], delta, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(workspace[1 : ROWS - 1], before[1 : ROWS - 1])
    expected = {weight(edge, 0): before[0] @ before[4 + edge] for edge in range(k)}
    expected[BIAS] = delta.sum()
    compare_slopes(gradient, initial_sums, expected, fresh)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(("n", "k"), ALL_INPUTS)
def test_backward_pass_counts_every_edge_of_an_input_once(n: int, k: int, fresh: bool) -> None:
    stripe, workspace, parameters = drawn(k)
    before = workspace.copy()
    gradient, initial_sums = slopes(fresh)
    words = [code.inputs(n, k), *(4 * STRIPE * OWN[m] for m in range(n)), *edge_words(n, 0, k, 4)]
    arrays = (stripe.ravel(), workspace.ravel(), parameters, gradient.ravel())
    _backpropagate(np.array([*words, code.END], np.int32), *arrays, fresh)
    np.testing.assert_array_equal(workspace, before)
    expected = {
        weight(edge, member): stripe[member].astype(np.float64) @ before[4 + edge]
        for edge in range(k)
        for member in range(n)
    }
    compare_slopes(gradient, initial_sums, expected, fresh)


def compare_slopes(
    gradient: Floats, initial_sums: NDArray[np.float64], expected: dict[int, float], fresh: bool
) -> None:
    """Compare the given parameters, and check that all others are unchanged."""
    found = gradient.astype(np.float64).sum(axis=1)
    for index in range(PARAMETERS):
        if index in expected:
            assert found[index] == pytest.approx(
                initial_sums[index] + expected[index], rel=1e-4, abs=1e-3
            )
        elif fresh:
            assert np.isnan(gradient[index]).all()
        else:
            assert found[index] == initial_sums[index]


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 10.0, 80.0])
@pytest.mark.parametrize("fresh", [True, False])
def test_output_deltas_are_the_gradient_of_cross_entropy(scale: float, fresh: bool) -> None:
    rng = np.random.default_rng(3)
    logits, labels, scales = (aligned_zeros(STRIPE) for _ in range(3))
    logits[:] = scale * np.linspace(-1, 1, STRIPE)
    labels[:] = rng.integers(0, 2, STRIPE)
    scales[:] = rng.uniform(size=STRIPE)
    logits[:6] = (200, -200, 0, np.nan, 1e30, -1e30)
    gradient, initial_sums = slopes(fresh)
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-logits.astype(np.float64)))
    # NaN counts as a large logit.
    sigmoid[3] = 1
    expected = (sigmoid - labels) * scales
    _output_deltas(logits, labels, scales, gradient.ravel(), fresh)
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-7)
    compare_slopes(gradient, initial_sums, {0: expected.sum()}, fresh)
