"""Networks of several classes: every trainer compared with plain torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from search.experiment import Experiment
from search.layers import Layers
from tests.tolerance import STEP_TOLERANCE, assert_networks_agree
from tests.workers.test_kernel import trained_by_kernel
from workers.datasets import Dataset
from workers.kernel.simd import STRIPE
from workers.orders import permutation
from workers.reference import train_reference
from workers.schedules import learning_rates
from workers.start import start_of
from workers.torch_batch import train_torch


def classes_of(classes: int, features: int = 6, points: int = 400, seed: int = 0) -> Dataset:
    """Return random points; each one's label is that of the largest of noisy linear functions."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(points, features)).astype(np.float32)
    scores = values @ rng.normal(size=(features, classes))
    labels = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return Dataset.of(f"{classes} classes", values, labels, classes=classes)


@pytest.fixture(scope="module")
def three() -> Dataset:
    return classes_of(3)


@pytest.fixture(scope="module")
def ten() -> Dataset:
    return classes_of(10, features=9)


def _plain_torch(experiment: Experiment, dataset: Dataset, steps: int) -> Layers:
    """Return a network trained by `nn.CrossEntropyLoss` and `torch.optim.SGD`, in float64."""
    start = start_of(experiment, dataset, {})
    linear: list[nn.Linear] = []
    network = nn.Sequential()
    for weight, bias in start.layers:
        if linear:
            network.append(nn.ReLU())
        layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        layer.weight.data = torch.tensor(weight, dtype=torch.float64)
        layer.bias.data = torch.tensor(bias, dtype=torch.float64)
        network.append(layer)
        linear.append(layer)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=experiment.lr,
        momentum=experiment.momentum,
        weight_decay=experiment.weight_decay,
    )
    points = torch.tensor(dataset.points, dtype=torch.float64)
    labels = torch.tensor(dataset.labels).long()
    rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
    per_epoch = dataset.steps_per_epoch(experiment.batch_size)
    order = np.empty(len(dataset), np.uint32)
    for step in range(steps):
        epoch, batch = divmod(step, per_epoch)
        permutation(experiment.order_seed, epoch, order)
        optimiser.param_groups[0]["lr"] = rates[epoch]
        chosen = order[batch * experiment.batch_size :][: experiment.batch_size].astype(np.int64)
        optimiser.zero_grad()
        nn.CrossEntropyLoss()(network(points[chosen]), labels[chosen]).backward()
        optimiser.step()
        for layer, mask in zip(linear, start.weight_masks, strict=True):
            layer.weight.data *= torch.tensor(mask)
    return [
        (layer.weight.detach().float().numpy(), layer.bias.detach().float().numpy())
        for layer in linear
    ]


DEAD = ("000000|111111|110000|101010", "1000|0000|0110|0001")
"""Masks of 4x4 with a neuron without inputs, and one without inputs from living neurons."""

CASES = [
    Experiment(structure=(5,), batch_size=50),
    Experiment(structure=(7, 3), batch_size=STRIPE + 3, schedule="step"),
    Experiment(structure=(4, 4, 4), masks=DEAD, batch_size=64, lr=0.2),
    Experiment(structure=(3, 9, 4, 2), batch_size=100, schedule="constant", weight_decay=0.01),
    Experiment(structure=(4, 3, 5, 2, 3), batch_size=1),
    Experiment(structure=(5, 5, 5, 5, 5, 5), batch_size=64, momentum=0.5),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "x".join(map(str, case.structure)))
@pytest.mark.parametrize("classes", [3, 10])
def test_every_trainer_follows_plain_torch(classes: int, case: Experiment) -> None:
    dataset = classes_of(classes)
    steps = 20
    expected = _plain_torch(case, dataset, steps)
    assert_networks_agree(
        train_reference(case, dataset, steps=steps).layers, expected, STEP_TOLERANCE
    )
    assert_networks_agree(trained_by_kernel(case, dataset, steps), expected, STEP_TOLERANCE)
    (stacked,) = train_torch([case], dataset, "cpu", {}, steps=steps)
    assert_networks_agree(stacked.layers, expected, STEP_TOLERANCE)
