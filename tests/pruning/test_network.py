from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from pruning.network import MaskedNetwork
from search.layers import Layers


def _layers(*widths: int) -> Layers:
    generator = np.random.default_rng(3)
    return [
        (
            generator.normal(size=(n_out, n_in)).astype(np.float32),
            generator.normal(size=n_out).astype(np.float32),
        )
        for n_in, n_out in itertools.pairwise(widths)
    ]


@pytest.mark.parametrize("widths", [(2, 7, 3, 3, 1), (3, 4, 1), (5, 1), (2, 3, 3, 3, 3, 1)])
def test_forward_pass_has_relu_in_hidden_layers_only(
    widths: tuple[int, ...],
) -> None:
    layers = _layers(*widths)
    points = np.random.default_rng(4).normal(size=(20, widths[0])).astype(np.float32)
    expected = []
    for point in points:
        activation = point
        for weight, bias in layers[:-1]:
            activation = np.maximum(weight @ activation + bias, 0)
        expected.append((layers[-1][0] @ activation + layers[-1][1])[0])
    assert min(expected) < 0
    logits = MaskedNetwork(layers)(torch.tensor(points))
    assert logits.shape == (20,)
    np.testing.assert_allclose(logits.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_masked_parameters_are_zero_from_the_start_and_after_a_step() -> None:
    layers = _layers(2, 3, 1)
    weight_masks = [np.array([[1, 0], [0, 1], [1, 1]], bool), np.array([[1, 0, 1]], bool)]
    bias_masks = [np.array([1, 0, 1], bool), np.array([1], bool)]
    network = MaskedNetwork(layers, weight_masks, bias_masks)
    for (weight, bias), (original, original_bias), mask, bias_mask in zip(
        network.layers(), layers, weight_masks, bias_masks, strict=True
    ):
        assert np.array_equal(weight, np.where(mask, original, 0))
        assert np.array_equal(bias, np.where(bias_mask, original_bias, 0))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.ones(4, 2)).sum().backward()
    optimiser.step()
    network.apply_masks()
    for (weight, bias), mask, bias_mask in zip(
        network.layers(), weight_masks, bias_masks, strict=True
    ):
        assert np.array_equal(weight != 0, mask)
        assert np.array_equal(bias != 0, bias_mask)


def test_infinite_masked_weight_becomes_zero() -> None:
    mask = np.array([[True, False]])
    network = MaskedNetwork(_layers(2, 1), [mask])
    with torch.no_grad():
        network.weights[0][0, 1] = math.inf
    network.apply_masks()
    assert network.layers()[0][0][0, 1] == 0


def test_gradient_reaches_masked_weights() -> None:
    network = MaskedNetwork(_layers(2, 1), [np.array([[True, False]])])
    network(torch.ones(1, 2)).sum().backward()
    gradient = network.weights[0].grad
    assert gradient is not None
    assert gradient.tolist() == [[1, 1]]


def test_masks_are_saved_with_the_network() -> None:
    mask = np.array([[True, False]])
    state = MaskedNetwork(_layers(2, 1), [mask]).state_dict()
    network = MaskedNetwork(_layers(2, 1))
    network.load_state_dict(state)
    assert network.weight_masks[0].tolist() == [[True, False]]
    assert network.bias_masks[0].tolist() == [True]


def test_network_copies_its_parameters() -> None:
    layers = _layers(2, 3, 1)
    before = layers[0][0].copy()
    network = MaskedNetwork(layers)
    taken = network.layers()[0][0]
    with torch.no_grad():
        network.weights[0].zero_()
    assert np.array_equal(layers[0][0], before)
    assert np.array_equal(taken, before)


def test_double_precision_is_kept() -> None:
    network = MaskedNetwork(_layers(2, 3, 1), dtype=torch.float64)
    assert network(torch.ones(1, 2, dtype=torch.float64)).dtype == torch.float64
    assert network.layers()[0][0].dtype == np.float32


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([*_layers(2, 3), *_layers(4, 1)], r"layer 1: weight \[1, 4\]"),
        ([(np.ones((1, 2), np.float32), np.ones(2, np.float32))], r"bias \[2\]"),
    ],
)
def test_mismatched_layers_are_refused(layers: Layers, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskedNetwork(layers)


def test_mismatched_masks_are_refused() -> None:
    with pytest.raises(ValueError, match="weight masks have shapes"):
        MaskedNetwork(_layers(2, 1), [np.ones((1, 3), bool)])
    with pytest.raises(ValueError, match="bias masks have shapes"):
        MaskedNetwork(_layers(2, 1), None, [np.ones(1, bool), np.ones(1, bool)])
