"""Methods that change the objective or the parametrisation, compared with slow versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layers
from search.settings import Value
from tests.pruning.slow_objective import leaves, slow_objective
from workers.adaptive import train_adaptively
from workers.datasets import Dataset, load_dataset
from workers.initial import starting_network
from workers.train import train_batch

SPIRAL = load_dataset("cubist-spiral")
FEW = Dataset("few", SPIRAL.points[::2000].copy(), SPIRAL.labels[::2000].copy())


def experiment_of(method: str, width: int = 4, **settings: Value) -> Experiment:
    return Experiment(
        method=method,
        width=width,
        lr=0.1,
        batch_size=8,
        epochs=5,
        hyperparameters=tuple(sorted(settings.items())),
    )


def trained_weights(experiment: Experiment) -> list[NDArray[np.float32]]:
    return [weight for weight, _ in train_adaptively(experiment, FEW, {}).layers]


def assert_close(ours: Sequence[NDArray[np.float32]], slow: Sequence[torch.Tensor]) -> None:
    for weight, expected in zip(ours, slow, strict=True):
        np.testing.assert_allclose(weight, expected.detach().numpy(), rtol=2e-4, atol=2e-5)


def initial(experiment: Experiment) -> Layers:
    return starting_network(experiment, {})


@pytest.mark.parametrize(("method", "factors"), [("spred", 2), ("dwf", 3), ("dwf", 4)])
def test_products_of_factors_agree_with_the_slow_version(method: str, factors: int) -> None:
    settings = {} if method == "spred" else {"factors": factors}
    experiment = experiment_of(method, strength=0.02, threshold=0.0, finetune=0.0, **settings)
    layers = initial(experiment)
    free = leaves(layers)
    for _ in range(factors - 1):
        free += leaves(layers, value=1.0)

    def weights(tensors: Sequence[torch.Tensor], epoch: int, step: int) -> list[torch.Tensor]:
        products = list(tensors[: len(layers)])
        for number, factor in enumerate(tensors[len(layers) :]):
            products[number % len(layers)] = products[number % len(layers)] * factor
        return products

    def penalty(tensors: Sequence[torch.Tensor], epoch: int) -> torch.Tensor:
        return 0.02 / 2 * torch.stack([(factor**2).sum() for factor in tensors]).sum()

    slow_objective(experiment, FEW, layers, free, weights, penalty)
    assert_close(trained_weights(experiment), weights(free, 0, 0))


def test_small_products_are_removed_and_the_others_fine_tuned() -> None:
    experiment = replace(experiment_of("spred", 8, threshold=0.1), batch_size=128, epochs=2)
    (row,) = train_batch([experiment]).to_pylist()
    assert row["status"] == "ok"
    assert 0 < row["weight_nnz"] < 152
    steps = 2 * (len(SPIRAL) // 128)
    assert row["steps"] == 2 * steps
    assert row["edge_updates"] == steps * 152 + steps * row["weight_nnz"]
