"""Neurons that die and revive between batches, compared with plain torch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.layers import Layers
from workers.datasets import Dataset
from workers.kernel.packing import pack, topology, unpack
from workers.kernel.sgd import BATCHES_PER_CHUNK, scratch, train_steps
from workers.kernel.simd import STRIPE

SIZES = (2, 5, 4, 3, 1)
STEPS = BATCHES_PER_CHUNK + 9
RATE, MOMENTUM, DECAY = 0.005, 0.9, 5e-4


def start(seed: int) -> Layers:
    """A network with neurons active for x > 0, for x < 0, always and never."""
    rng = np.random.default_rng(seed)
    layers = [
        (
            rng.normal(size=(n_out, n_in)).astype(np.float32),
            (rng.normal(size=n_out) / 4).astype(np.float32),
        )
        for n_in, n_out in pairwise(SIZES)
    ]
    layers[0][0][0], layers[0][1][0] = (3, 0.01), -0.2
    layers[0][0][1], layers[0][1][1] = (-3, 0.01), -0.2
    layers[0][1][2] = -50
    layers[1][0][0], layers[1][1][0] = (2, 0.1, 0.1, -0.1, -0.1), -0.3
    layers[1][1][1] = -50
    if seed == 1:
        layers[2][1][1] = 8
    else:
        # The last layer is active for x > 0 only: for x < 0 no neuron reaches the output.
        layers[2][0][:], layers[2][0][:, 0], layers[2][1][:] = -0.1, 2, -0.3
    return layers


def points(batch_size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points in order: stripes with x > 0 alternate with stripes with x < 0."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(batch_size * STEPS, 2)).astype(np.float32)
    side = np.sign(np.sin(1 + np.arange(len(values)) // min(batch_size, STRIPE) * 1.7))
    values[:, 0] = np.abs(values[:, 0]) * side
    return values, (values[:, 0] * values[:, 1] > 0).astype(np.float32)


def by_torch(layers: Layers, batch_size: int) -> list[NDArray[np.float32]]:
    """Weights and biases after all steps, layer by layer, from autograd in float64."""
    parameters = [
        torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for layer in layers
        for array in layer
    ]
    optimiser = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    values, labels = (torch.tensor(a, dtype=torch.float64) for a in points(batch_size))
    loss_of = torch.nn.BCEWithLogitsLoss()
    for step in range(STEPS):
        chosen = slice(step * batch_size, (step + 1) * batch_size)
        x = values[chosen]
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            x = (torch.relu(x) if weight is not parameters[0] else x) @ weight.T + bias
        optimiser.zero_grad()
        loss_of(x[:, 0], labels[chosen]).backward()
        optimiser.step()
    return [parameter.detach().numpy() for parameter in parameters]


@pytest.mark.parametrize("batch_size", [STRIPE // 2, STRIPE, 2 * STRIPE, 3 * STRIPE + 5])
def test_training_matches_torch_when_neurons_die_and_revive(batch_size: int) -> None:
    networks_of = [start(seed) for seed in (1, 2)]
    shapes = [
        topology([np.ones(weight.shape, np.bool_) for weight, _ in layers])
        for layers in networks_of
    ]
    networks = pack(shapes, networks_of)
    memory = scratch(networks, Dataset("alternating", *points(batch_size)), batch_size)
    memory.gradient[:] = np.nan
    order = np.arange(batch_size * STEPS, dtype=np.uint32)
    rates, momenta, decays = (np.full(2, value, np.float32) for value in (RATE, MOMENTUM, DECAY))
    train_steps(networks, order, 0, STEPS, rates, momenta, decays, memory)
    for g, layers in enumerate(networks_of):
        expected = by_torch(layers, batch_size)
        weights, biases = unpack(networks, g)
        flat = np.concatenate([weight.ravel() for weight in expected[::2]])
        np.testing.assert_allclose(weights, flat, rtol=1e-3, atol=2e-5)
        np.testing.assert_allclose(biases, np.concatenate(expected[1::2]), rtol=1e-3, atol=2e-5)


def test_networks_of_this_file_have_neurons_that_die_and_revive() -> None:
    layers = alive_in_stripes(1)
    neurons = np.concatenate(layers, axis=1)
    assert (~neurons.any(axis=0)).sum() >= 2, "no neuron is dead throughout"
    changes = np.count_nonzero(neurons[1:] != neurons[:-1], axis=0)
    assert (changes >= 5).sum() >= 3, "no neuron dies and comes alive"
    *_, before, last = alive_in_stripes(2)
    cut_off = before.any(axis=1) & ~last.any(axis=1)
    assert cut_off.sum() >= 5, "no living neuron stops leading to the output"
    assert last.any(axis=1).sum() >= 5, "the output is cut off throughout"


def alive_in_stripes(seed: int) -> list[NDArray[np.bool_]]:
    """bool [stripes, neurons] per hidden layer: the active neurons before training."""
    x = points(STRIPE)[0]
    found = []
    for weight, bias in start(seed)[:-1]:
        x = np.maximum(x @ weight.T + bias, 0)
        found.append(x.reshape(STEPS, STRIPE, -1).any(axis=1))
    return found
