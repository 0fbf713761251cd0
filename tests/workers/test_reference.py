from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layers
from search.masks.text import parse_mask
from tests.tolerance import ROUNDING, assert_networks_agree, largest_difference
from workers.datasets import Dataset, load_dataset
from workers.initial import starting_network
from workers.orders import permutation
from workers.reference import evaluate, train_reference
from workers.step_schedule import learning_rates
from workers.trained import Trained


@pytest.fixture(scope="module")
def few() -> Dataset:
    """Return 300 points of the spiral: two batches of 128, and 44 left over."""
    spiral = load_dataset("cubist-spiral")
    chosen = np.arange(0, len(spiral), len(spiral) // 300)[:300]
    return Dataset("few", spiral.points[chosen], spiral.labels[chosen])


def _plain_training(experiment: Experiment, dataset: Dataset, steps: int) -> Layers:
    """Return the network trained by SGD written out in numpy, in float64, one point at a time."""
    layers = [
        (weight.astype(np.float64), bias.astype(np.float64))
        for weight, bias in starting_network(experiment, {}, dataset.features)
    ]
    masks = [np.ones_like(weight) for weight, _ in layers]
    for layer, text in enumerate(experiment.masks):
        masks[layer] = parse_mask(text).astype(np.float64)
    layers = [(weight * mask, bias) for (weight, bias), mask in zip(layers, masks, strict=True)]
    velocity = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
    rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
    order = np.empty(len(dataset), dtype=np.uint32)
    per_epoch = len(dataset) // experiment.batch_size
    for step in range(steps):
        epoch, batch = divmod(step, per_epoch)
        permutation(experiment.order_seed, epoch, order)
        chosen = order[batch * experiment.batch_size :][: experiment.batch_size]
        gradients = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
        for point in chosen:
            _add_gradient(gradients, layers, dataset.points[point], float(dataset.labels[point]))
        for layer, mask in enumerate(masks):
            for part, kept in ((0, mask), (1, np.ones_like(layers[layer][1]))):
                parameter, moved = layers[layer][part], velocity[layer][part]
                gradient = gradients[layer][part] / experiment.batch_size
                moved *= experiment.momentum
                moved += gradient + experiment.weight_decay * parameter
                parameter -= rates[epoch] * moved
                parameter *= kept
    return [(weight.astype(np.float32), bias.astype(np.float32)) for weight, bias in layers]


def _add_gradient(
    gradients: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    layers: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    point: NDArray[np.float32],
    label: float,
) -> None:
    activations = [point.astype(np.float64)]
    for layer, (weight, bias) in enumerate(layers):
        z = weight @ activations[-1] + bias
        activations.append(z if layer == len(layers) - 1 else np.maximum(z, 0))
    delta = 1 / (1 + np.exp(-activations[-1])) - label
    for layer in reversed(range(len(layers))):
        gradients[layer][0][:] += np.outer(delta, activations[layer])
        gradients[layer][1][:] += delta
        delta = (layers[layer][0].T @ delta) * (activations[layer] > 0)


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
@pytest.mark.parametrize(
    ("structure", "masks"),
    [
        ((7, 3, 3), ()),
        ((3, 3, 3), ("10|01|11", "110|011|001")),
        ((4,), ("11|10|01|10",)),
        ((3, 2, 3, 2), ("11|00|10", "101|011")),
    ],
)
def test_reference_matches_sgd_written_out_in_numpy(
    few: Dataset, schedule: str, structure: tuple[int, ...], masks: tuple[str, ...]
) -> None:
    # 14 steps are 7 epochs; the step schedule drops at epochs 3 and 6.
    experiment = Experiment(
        structure=structure, masks=masks, schedule=schedule, lr=0.2, epochs=10, weight_decay=0.01
    )
    trained = train_reference(experiment, few, steps=14, dtype=torch.float64)
    assert_networks_agree(trained.layers, _plain_training(experiment, few, 14), ROUNDING)


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0.8},
        {"weight_decay": 5.0e-3},
        {"lr": 0.051},
        {"schedule": "constant"},
        {"batch_size": 127},
        {"replicate": 1},
        {"masks": ("11|11|10",)},
    ],
)
def test_every_field_of_an_experiment_affects_training(
    few: Dataset, change: dict[str, object]
) -> None:
    init = starting_network(Experiment(structure=(3, 3, 3)), {})
    usual = Experiment(structure=(3, 3, 3), epochs=10)
    changed = replace(usual, **change)  # type: ignore[arg-type]
    one = train_reference(usual, few, init=init, steps=6)
    other = train_reference(changed, few, init=init, steps=6)
    assert largest_difference(one.layers, other.layers) > 1e-5


def test_short_batch_at_the_end_of_an_epoch_is_skipped(few: Dataset) -> None:
    experiment = Experiment(structure=(3, 3, 3), epochs=1)
    whole = train_reference(experiment, few)
    two_steps = train_reference(experiment, few, steps=2)
    assert largest_difference(whole.layers, two_steps.layers) == 0
    assert largest_difference(whole.layers, train_reference(experiment, few, steps=1).layers) > 0


def test_zero_steps_return_the_initial_network(few: Dataset) -> None:
    experiment = Experiment(structure=(3, 3, 3))
    trained = train_reference(experiment, few, steps=0)
    assert largest_difference(trained.layers, starting_network(experiment, {})) == 0


def test_masked_weights_are_zero_and_biases_are_trained(few: Dataset) -> None:
    experiment = Experiment(structure=(3, 2, 2), masks=("10|01|00", "110|000"), epochs=2)
    layers = train_reference(experiment, few).layers
    assert (layers[0][0] != 0).tolist() == [[True, False], [False, True], [False, False]]
    assert (layers[1][0] != 0).tolist() == [[True, True, False], [False, False, False]]
    assert all(bias.all() for _, bias in layers)
    assert layers[2][0].all()


def test_training_does_not_modify_the_given_initialisation(few: Dataset) -> None:
    experiment = Experiment(structure=(3, 3, 3))
    init = starting_network(experiment, {})
    train_reference(experiment, few, init=init, steps=3)
    assert largest_difference(init, starting_network(experiment, {})) == 0


def test_batch_larger_than_the_data_set_is_refused(few: Dataset) -> None:
    with pytest.raises(ValueError, match=r"batch_size.*300.*301"):
        train_reference(Experiment(batch_size=301), few)


def test_pruning_method_without_a_target_is_refused(few: Dataset) -> None:
    with pytest.raises(ValueError, match="'snip'"):
        train_reference(Experiment(method="snip"), few)


def test_diverged_training_is_marked(few: Dataset) -> None:
    experiment = Experiment(structure=(3, 3, 3), lr=1e12, epochs=3, schedule="constant")
    assert train_reference(experiment, few).diverged
    assert not train_reference(replace(experiment, lr=0.05), few).diverged


@pytest.mark.parametrize("position", [(0, 0), (2, 1)])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_network_with_one_non_finite_parameter_has_diverged(
    position: tuple[int, int], bad: float
) -> None:
    layers = starting_network(Experiment(structure=(3, 3, 3)), {})
    assert not Trained.of(layers, 0.5, 0.7).diverged
    layers[position[0]][position[1]].flat[0] = bad
    assert Trained.of(layers, 0.5, 0.7).diverged


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_network_with_a_non_finite_loss_has_diverged(loss: float) -> None:
    assert Trained.of(starting_network(Experiment(), {}), 0.5, loss).diverged


class _FirstFeature(torch.nn.Module):
    """A network whose logit is the first feature times a weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return points[:, 0] * self.weight


def test_accuracy_and_loss_cover_all_points() -> None:
    points = np.array([[1, 9], [-2, 9], [0, 9], [3, 9], [0, 9]], dtype=np.float32)
    labels = np.array([1, 1, 0, 0, 0], dtype=np.float32)
    dataset = Dataset("five", points, labels)
    # Logits 2, -4, 0, 6, 0; a logit of 0 is class 0.
    accuracy, loss = evaluate(_FirstFeature(2.0), dataset)
    assert accuracy == 3 / 5
    parts = [
        math.log1p(math.exp(-2)),
        math.log1p(math.exp(4)),
        math.log(2),
        math.log1p(math.exp(6)),
        math.log(2),
    ]
    assert loss == pytest.approx(sum(parts) / 5, rel=1e-7)


def test_loss_of_a_network_with_nan_is_nan() -> None:
    points = np.ones((4, 2), dtype=np.float32)
    dataset = Dataset("four", points, np.array([0, 0, 0, 1], dtype=np.float32))
    accuracy, loss = evaluate(_FirstFeature(math.nan), dataset)
    assert accuracy == 3 / 4
    assert math.isnan(loss)
