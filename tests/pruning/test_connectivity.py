from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruning.connectivity import effective_mask, effective_nnz, is_collapsed

Weights = list[NDArray[np.float32]]


def _weights_on_paths(weights: Weights) -> set[tuple[int, int, int]]:
    """Every (layer, output, input) met when all paths are walked one by one."""
    widths = [weights[0].shape[1], *(weight.shape[0] for weight in weights)]
    met = set()
    for path in product(*(range(width) for width in widths)):
        edges = [(layer, path[layer + 1], path[layer]) for layer in range(len(weights))]
        if all(weights[layer][row, column] != 0 for layer, row, column in edges):
            met.update(edges)
    return met


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
def test_effective_weights_are_those_met_by_walking_every_path(weights: Weights) -> None:
    masks = effective_mask(weights)
    found = {
        (layer, int(row), int(column))
        for layer, mask in enumerate(masks)
        for row, column in zip(*np.nonzero(mask), strict=True)
    }
    expected = _weights_on_paths(weights)
    assert found == expected
    assert effective_nnz(weights) == len(expected)
    assert is_collapsed(weights) == (not expected)
    assert [mask.shape for mask in masks] == [weight.shape for weight in weights]


@given(_networks())
def test_arguments_are_left_as_they_were(weights: Weights) -> None:
    before = [weight.copy() for weight in weights]
    masks = [weight != 0 for weight in weights]
    masks_before = [mask.copy() for mask in masks]
    effective_mask(weights)
    effective_mask(masks)
    assert all(np.array_equal(a, b) for a, b in zip(weights, before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(masks, masks_before, strict=True))


def test_dead_end_and_unfed_neuron_do_not_count() -> None:
    first = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float32)  # neuron 1 is unfed
    second = np.array([[1, 1, 0], [0, 0, 1]], dtype=np.float32)  # neuron 1 is a dead end
    last = np.array([[1, 0]], dtype=np.float32)
    masks = effective_mask([first, second, last])
    assert masks[0].astype(int).tolist() == [[1, 0], [0, 0], [0, 0]]
    assert masks[1].astype(int).tolist() == [[1, 0, 0], [0, 0, 0]]
    assert masks[2].astype(int).tolist() == [[1, 0]]
    assert effective_nnz([first, second, last]) == 3


def test_dense_7x3x3_is_effective_throughout() -> None:
    weights = [np.ones(shape, dtype=np.float32) for shape in ((7, 2), (3, 7), (3, 3), (1, 3))]
    assert effective_nnz(weights) == 47
    assert not is_collapsed(weights)


def test_one_empty_layer_collapses_the_network() -> None:
    shapes = ((7, 2), (3, 7), (3, 3), (1, 3))
    for empty in range(4):
        weights = [np.full(shape, float(layer != empty)) for layer, shape in enumerate(shapes)]
        assert effective_nnz(weights) == 0
        assert is_collapsed(weights)


def test_diverged_weights_count_as_nonzero() -> None:
    weights = [np.array([[np.nan, np.inf]], dtype=np.float32), np.ones((1, 1), dtype=np.float32)]
    assert effective_nnz(weights) == 3
