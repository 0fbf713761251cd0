from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruning.connectivity import Connectivity, effective_mask, leads_to_output

Weights = list[NDArray[np.float32]]
Biases = list[NDArray[np.float32]]


def _weights_on_paths(weights: Weights) -> set[tuple[int, int, int]]:
    """Return every (layer, output, input) on a path, by walking all paths."""
    widths = [weights[0].shape[1], *(weight.shape[0] for weight in weights)]
    met = set()
    for path in product(*(range(width) for width in widths)):
        edges = [(layer, path[layer + 1], path[layer]) for layer in range(len(weights))]
        if all(weights[layer][row, column] != 0 for layer, row, column in edges):
            met.update(edges)
    return met


def _of(weights: Weights, biases: Biases | None = None) -> Connectivity:
    """Return the connectivity of a network; missing biases are zero."""
    return Connectivity.of(weights, biases or [np.zeros(len(weight)) for weight in weights])


def _hidden_with_way_out(weights: Weights) -> set[tuple[int, int]]:
    """Return every (hidden layer, neuron) with a path to the output, by walking all paths."""
    found = set()
    for layer in range(len(weights) - 1):
        widths = [weight.shape[0] for weight in weights[layer:]]
        for path in product(*(range(width) for width in widths)):
            steps = zip(weights[layer + 1 :], pairwise(path), strict=True)
            if all(weight[target, source] != 0 for weight, (source, target) in steps):
                found.add((layer, path[0]))
    return found


@st.composite
def _biases_for(draw: st.DrawFn, weights: Weights) -> Biases:
    values = st.sampled_from([0.0, 0.0, 0.0, -0.5, 0.5])
    return [np.array([draw(values) for _ in weight], np.float32) for weight in weights]


@st.composite
def _networks(draw: st.DrawFn) -> Weights:
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0]))
    return [
        ((generator.random((n_out, n_in)) < density) * generator.normal(size=(n_out, n_in))).astype(
            np.float32
        )
        for n_in, n_out in pairwise(widths)
    ]


@given(_networks())
def test_effective_weights_agree_with_walking_every_path(weights: Weights) -> None:
    masks = effective_mask(weights)
    found = {
        (layer, int(row), int(column))
        for layer, mask in enumerate(masks)
        for row, column in zip(*np.nonzero(mask), strict=True)
    }
    expected = _weights_on_paths(weights)
    assert found == expected
    assert _of(weights).effective_nnz == len(expected)
    assert [mask.shape for mask in masks] == [weight.shape for weight in weights]


@given(_networks(), st.data())
def test_connectivity_agrees_with_walking_every_path(weights: Weights, data: st.DataObject) -> None:
    biases = data.draw(_biases_for(weights))
    found = Connectivity.of(weights, biases)
    on_paths = _weights_on_paths(weights)
    nonzero = [sum(value != 0 for value in weight.ravel()) for weight in weights]
    assert list(found.layer_nnz) == nonzero
    assert found.disconnected_nnz == sum(nonzero) - len(on_paths)
    hidden = range(len(weights) - 1)
    used = [len({row for layer, row, _ in on_paths if layer == number}) for number in hidden]
    assert list(found.used_neurons) == used
    heard = any(biases[layer][neuron] != 0 for layer, neuron in _hidden_with_way_out(weights))
    assert found.connection == ("path" if on_paths else "bias-only" if heard else "none")


@given(_networks())
def test_neurons_that_lead_to_the_output_agree_with_walking_every_path(weights: Weights) -> None:
    found = {
        (layer, int(neuron))
        for layer, leads_on in enumerate(leads_to_output(weights))
        for neuron in np.flatnonzero(leads_on)
    }
    assert found == _hidden_with_way_out(weights)


def test_constant_trained_through_biases_is_bias_only() -> None:
    weights = [np.zeros((1, 2), np.float32), np.ones((1, 1), np.float32)]
    zero, half = np.zeros(1, np.float32), np.full(1, 0.5, np.float32)
    assert _of(weights, [half, zero]).connection == "bias-only"
    assert _of(weights, [zero, half]).connection == "none"
    assert _of([weights[0], np.zeros((1, 1), np.float32)], [half, half]).connection == "none"
    assert _of([np.ones((1, 2), np.float32), weights[1]], [half, half]).connection == "path"


@given(_networks())
def test_arguments_are_not_changed(weights: Weights) -> None:
    before = [weight.copy() for weight in weights]
    masks = [weight != 0 for weight in weights]
    masks_before = [mask.copy() for mask in masks]
    effective_mask(weights)
    effective_mask(masks)
    assert all(np.array_equal(a, b) for a, b in zip(weights, before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(masks, masks_before, strict=True))


def test_neurons_without_inputs_or_outputs_do_not_count() -> None:
    first = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float32)  # neuron 1 is unfed
    second = np.array([[1, 1, 0], [0, 0, 1]], dtype=np.float32)  # neuron 1 is a dead end
    last = np.array([[1, 0]], dtype=np.float32)
    masks = effective_mask([first, second, last])
    assert masks[0].astype(int).tolist() == [[1, 0], [0, 0], [0, 0]]
    assert masks[1].astype(int).tolist() == [[1, 0, 0], [0, 0, 0]]
    assert masks[2].astype(int).tolist() == [[1, 0]]
    assert _of([first, second, last]) == Connectivity(3, 3, (2, 3, 1), (1, 1), "path")


def test_every_weight_of_dense_7x3x3_is_effective() -> None:
    weights = [np.ones(shape, dtype=np.float32) for shape in ((7, 2), (3, 7), (3, 3), (1, 3))]
    assert _of(weights) == Connectivity(47, 0, (14, 21, 9, 3), (7, 3, 3), "path")


def test_empty_layer_collapses_the_network() -> None:
    shapes = ((7, 2), (3, 7), (3, 3), (1, 3))
    for empty in range(4):
        weights = [
            np.full(shape, float(layer != empty), np.float32) for layer, shape in enumerate(shapes)
        ]
        found = _of(weights)
        assert found.effective_nnz == 0
        assert found.layer_nnz.index(0) == empty
        assert found.used_neurons == (0, 0, 0)
        assert found.connection == "none"


def test_diverged_weights_count_as_nonzero() -> None:
    weights = [np.array([[np.nan, np.inf]], dtype=np.float32), np.ones((1, 1), dtype=np.float32)]
    assert _of(weights).effective_nnz == 3
