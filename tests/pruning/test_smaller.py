"""Networks with fewer weights than a trained one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pruning.smaller import smaller_networks
from search.layers import Layers, MaskArrays


def made(seed: int) -> tuple[Layers, MaskArrays, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return a network of 2 -> 4 -> 3 -> 1 neurons with masks, and points."""
    generator = np.random.default_rng(seed)
    sizes = [(4, 2), (3, 4), (1, 3)]
    masks = [generator.random(shape) < 0.8 for shape in sizes]
    for mask in masks:
        mask[:, 0] = mask[0, :] = True
    layers = [
        (
            np.where(mask, generator.normal(size=mask.shape), 0).astype(np.float32),
            generator.normal(size=len(mask)).astype(np.float32),
        )
        for mask in masks
    ]
    points = generator.normal(size=(200, 2))
    return layers, masks, (points, (generator.random(200) < 0.5).astype(np.float64))


def count(masks: MaskArrays) -> int:
    return sum(int(mask.sum()) for mask in masks)


def loss(
    layers: Layers,
    masks: MaskArrays,
    sample: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float:
    """Return the loss under masks, after the mean of what is removed moved into the biases."""
    full = sample[0]
    values = sample[0]
    for layer, ((weight, bias), mask) in enumerate(zip(layers, masks, strict=True)):
        kept = np.where(mask, weight, 0).astype(np.float64)
        removed = weight.astype(np.float64) - kept
        shift = removed @ full.mean(0)
        full_sums = full @ weight.T.astype(np.float64) + bias
        sums = values @ kept.T + bias + shift
        last = layer == len(layers) - 1
        full, values = (
            (full_sums, sums) if last else (np.maximum(full_sums, 0), np.maximum(sums, 0))
        )
    logits = values[:, 0]
    return float(np.mean(np.logaddexp(0, logits) - logits * sample[1]))


@pytest.mark.parametrize("seed", range(4))
def test_networks_lack_the_given_number_of_weights(seed: int) -> None:
    layers, masks, sample = made(seed)
    for weights in (1, 3):
        smaller = smaller_networks(layers, masks, sample, 4, weights)
        assert 0 < len(smaller) <= 4
        for one in smaller:
            assert all((after <= before).all() for before, after in zip(masks, one, strict=True))
            assert count(one) <= count(masks) - 1
        # All but the last, which lacks a neuron, lose weights of little saliency.
        assert all(count(one) <= count(masks) - weights for one in smaller[:-1])
    assert all(np.array_equal(a, b) for a, b in zip(masks, made(seed)[1], strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_first_network_lacks_the_weight_of_least_loss(seed: int) -> None:
    layers, masks, sample = made(seed)
    losses = []
    for layer, mask in enumerate(masks):
        for target, source in np.argwhere(mask).tolist():
            one = [part.copy() for part in masks]
            one[layer][target, source] = False
            losses.append((loss(layers, one, sample), layer, (target, source)))
    _, layer, place = min(losses)
    first = smaller_networks(layers, masks, sample, 2, 1)[0]
    assert not first[layer][place]


@pytest.mark.parametrize("seed", range(4))
def test_last_network_lacks_the_neuron_of_least_loss(seed: int) -> None:
    layers, masks, sample = made(seed)
    losses = []
    for layer in (1, 2):
        for neuron in np.flatnonzero(masks[layer].any(0)):
            one = [part.copy() for part in masks]
            one[layer][:, neuron] = False
            losses.append((loss(layers, one, sample), layer, neuron))
    _, layer, neuron = min(losses)
    last = smaller_networks(layers, masks, sample, 2, 1)[-1]
    assert not last[layer][:, neuron].any()
    assert not last[layer - 1][neuron].any()
