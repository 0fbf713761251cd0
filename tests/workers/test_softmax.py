"""Networks of several classes: every trainer compared with plain torch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from analysis.row_network import network_from_row
from pruning.grasp import first_of_each_class
from pruning.network import MaskedNetwork
from search.experiment import Experiment
from search.layers import Layers, StoredInit
from search.methods import METHODS
from tests.tolerance import STEP_TOLERANCE, assert_networks_agree
from tests.workers.test_kernel import trained_by_kernel
from workers import train
from workers.cost import prefers_matrices
from workers.datasets import Dataset
from workers.fast import train_fast
from workers.kernel.measure import evaluate_layers
from workers.kernel.simd import STRIPE
from workers.orders import permutation
from workers.reference import evaluate, train_reference
from workers.start import start_of
from workers.step_schedule import learning_rates
from workers.stored_init import layers_digest
from workers.torch_batch import train_torch
from workers.train import train_batch


def classes_of(classes: int, features: int = 6, points: int = 400, seed: int = 0) -> Dataset:
    """Return random points; each one's label is that of the largest of noisy linear functions."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(points, features)).astype(np.float32)
    scores = values @ rng.normal(size=(features, classes))
    labels = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return Dataset.of(f"{classes} classes", values, labels, classes=classes)


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
    Experiment(structure=(7, 3), batch_size=STRIPE + 3, schedule="step", epochs=10),
    Experiment(structure=(4, 4, 4), masks=DEAD, batch_size=64, lr=0.2),
    Experiment(structure=(3, 9, 4, 2), batch_size=100, schedule="constant", weight_decay=0.01),
    # A batch of one point has one class only.
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


def test_matrix_products_follow_the_reference() -> None:
    dataset = classes_of(10, features=9)
    wide = Experiment(width=90, structure=(90, 90), batch_size=100, epochs=1)
    start = start_of(wide, dataset, {})
    assert prefers_matrices(start.weight_masks)
    (trained,) = train_fast([wide], dataset, {})
    assert_networks_agree(trained.layers, train_reference(wide, dataset).layers, STEP_TOLERANCE)


@pytest.mark.parametrize("method", [m for m in METHODS if "target_nnz" in METHODS[m].keys])
def test_every_method_prunes_a_network_of_several_classes(method: str) -> None:
    dataset = classes_of(3, points=1_600)
    case = Experiment(method=method, width=6, target_nnz=50, batch_size=32, epochs=6)
    (trained,) = train_fast([case], dataset, {})
    assert trained.sizes == (6, 6, 6, 6, 3)
    assert 25 <= len(trained.weights) <= 75
    accuracy, loss = evaluate(MaskedNetwork(trained.layers), dataset)
    assert trained.accuracy == pytest.approx(accuracy, abs=2 / len(dataset))
    assert trained.loss == pytest.approx(loss, rel=1e-5)


def test_result_does_not_depend_on_the_other_networks_of_a_batch() -> None:
    dataset = classes_of(3)
    group = [Experiment(structure=(n % 5 + 1, 3), epochs=2, lr=0.01 * n) for n in range(1, 200)]
    mates = [other for other in group if other.order_stream == group[0].order_stream]
    assert len(mates) > 1
    together = train_fast(mates, dataset, {})
    for mate, ours in zip(mates, together, strict=True):
        (alone,) = train_fast([mate], dataset, {})
        assert alone.weights.tobytes() == ours.weights.tobytes()
        assert (alone.loss, alone.accuracy) == (ours.loss, ours.accuracy)


def random_network(classes: int, scale: float) -> Layers:
    rng = np.random.default_rng(classes)
    sizes = (6, 7, 4, classes)
    return [
        (
            (scale * rng.normal(size=(n_out, n_in))).astype(np.float32),
            rng.normal(size=n_out).astype(np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    ]


@pytest.mark.parametrize("scale", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("classes", [3, 10])
def test_accuracy_and_loss_are_those_of_torch(classes: int, scale: float) -> None:
    dataset = classes_of(classes)
    layers = random_network(classes, scale)
    (loss,), (hits,), _ = evaluate_layers([layers], dataset)
    accuracy, expected = evaluate(MaskedNetwork(layers, dtype=torch.float64), dataset)
    assert loss / len(dataset) == pytest.approx(expected, rel=2e-6)
    assert hits / len(dataset) == accuracy


@pytest.mark.parametrize(("biases", "predicted"), [((0, 0, 0), 0), ((1, 2, 2), 1), ((0, 0, 1), 2)])
def test_ties_go_to_the_lowest_class(biases: tuple[int, ...], predicted: int) -> None:
    dataset = classes_of(3)
    share = float(np.mean(dataset.labels == predicted))
    layers = [(np.zeros_like(w), np.zeros_like(b)) for w, b in random_network(3, 1.0)]
    layers[-1][1][:] = biases
    stored = StoredInit("ties", layers_digest(layers), layers)
    case = Experiment(init=stored.token, structure=(7, 4), batch_size=50)
    (stacked,) = train_torch([case], dataset, "cpu", {stored.token: stored}, steps=0)
    hits = evaluate_layers([layers], dataset).hits[0]
    assert hits / len(dataset) == share == evaluate(MaskedNetwork(layers), dataset)[0]
    assert stacked.accuracy == share


def test_overflow_is_a_divergence() -> None:
    dataset = classes_of(3)
    wild = Experiment(structure=(8, 8), lr=1e20, schedule="constant", epochs=2, batch_size=50)
    tame = Experiment(structure=(8, 8), epochs=2, batch_size=50)
    trained = train_fast([wild, tame], dataset, {})
    assert [result.diverged for result in trained] == [True, False]


def test_row_has_the_accuracy_and_loss_of_the_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = classes_of(3, points=700)
    split = Dataset.of(
        "split",
        whole.points[:500],
        whole.labels[:500],
        test=(whole.points[500:], whole.labels[500:]),
    )
    sets = {"split": split, whole.name: whole}
    monkeypatch.setattr(train, "load_dataset", sets.__getitem__)
    experiments = [
        Experiment(dataset="split", structure=(5, 4), epochs=3),
        Experiment(dataset="split", structure=(5, 4), epochs=3, lr=1e20, schedule="constant"),
        Experiment(dataset=whole.name, structure=(5, 4), epochs=3),
    ]
    tested, diverged, untested = train_batch(experiments).to_pylist()
    assert split.test is not None
    network = network_from_row(tested)
    for found, dataset in (("test_", split.test), ("", split)):
        accuracy, loss = evaluate(network, dataset)
        assert tested[f"{found}accuracy"] == pytest.approx(accuracy, abs=1.5 / len(dataset))
        assert tested[f"{found}loss"] == pytest.approx(loss, rel=1e-5)
    assert tested["layers"] == [6, 5, 4, 3]
    assert diverged["status"] == "diverged"
    assert untested["accuracy"] is not None
    for row in (diverged, untested):
        assert (row["test_accuracy"], row["test_loss"]) == (None, None)


def test_grasp_takes_points_of_every_class() -> None:
    dataset = classes_of(3)
    points, labels = torch.tensor(dataset.points), torch.tensor(dataset.labels)
    parts = first_of_each_class(((points, labels) for _ in range(1)), 5, 3)
    for kind, (chosen, of_class) in enumerate(parts):
        assert of_class.tolist() == [kind] * 5
        assert torch.equal(chosen, points[labels == kind][:5])
