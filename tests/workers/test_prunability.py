from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layers
from search.schema import PRUNABLE_UP_TO
from workers.datasets import Dataset, load_dataset
from workers.fast import train_fast
from workers.kernel.measure import evaluate_layers
from workers.prunability import Prunability, prunability
from workers.torch_batch import train_torch
from workers.train import train_batch
from workers.trained import Trained

SPIRAL = load_dataset("cubist-spiral")


def numpy_hits(layers: Layers, dataset: Dataset = SPIRAL) -> int:
    values = dataset.points
    for number, (weight, bias) in enumerate(layers):
        values = (np.maximum(values, 0) if number else values) @ weight.T + bias
    predicted = values.argmax(axis=1) if values.shape[1] > 1 else values[:, 0] > 0
    return int((predicted == dataset.labels).sum())


def kernel_hits(layers: Layers, dataset: Dataset = SPIRAL) -> int:
    """Correct predictions by the kernel that measures accuracy, without the zero weights."""
    return round(evaluate_layers([layers], dataset).hits[0])


def slow(trained: Trained, hits_of: object = kernel_hits, dataset: Dataset = SPIRAL) -> Prunability:
    """The definition: remove every weight in order, then check all bounds."""
    assert callable(hits_of)
    weights = trained.weights.copy()
    accuracies = []
    while (weights != 0).any():
        magnitudes = np.where(weights != 0, np.abs(weights), np.inf)
        weights[np.argmin(magnitudes)] = 0
        accuracies.append(hits_of(replace(trained, weights=weights).layers, dataset) / len(dataset))

    def before(bound: float) -> int | None:
        if trained.accuracy < bound:
            return None
        kept = [accuracy >= bound for accuracy in accuracies]
        return kept.index(False) if False in kept else len(kept)

    # Compared in points: 49 are at most 0.1 % of 49,982, 50 are more.
    hits = round(trained.accuracy * len(dataset))
    lost = len(dataset) // 1000
    return Prunability(before((hits - lost) / len(dataset)), before(0.95), before(0.995))


def shifted(trained: Trained, low: float, high: float) -> Trained:
    """The network with its output bias shifted until its accuracy lies between two values."""
    for shift in np.geomspace(1e-3, 1e2, 200, dtype=np.float32):
        biases = trained.biases.copy()
        biases[-1] += shift
        worse = replace(trained, biases=biases)
        accuracy = kernel_hits(worse.layers) / len(SPIRAL)
        if low <= accuracy < high:
            return replace(worse, accuracy=accuracy)
    raise AssertionError("the accuracy jumps over the interval")


@pytest.fixture(scope="module")
def networks() -> list[Trained]:
    """Networks of accuracies from below 0.9 to above 0.995, with few and many prunable weights."""
    sizes = [
        ((16, 16, 16), 4),
        ((16, 16, 16), 15),
        ((12, 8, 9), 15),
        ((9, 5, 4), 15),
        ((16, 4), 15),
    ]
    experiments = [
        Experiment(structure=structure, lr=0.05, epochs=epochs, replicate=replicate)
        for structure, epochs in sizes
        for replicate in (range(3) if max(structure) < 16 else (0,))
    ]
    trained = train_fast(experiments, SPIRAL, {})
    small = [n for n in trained if n.accuracy >= 0.95 and len(n.weights) < 200]
    return [*trained, *(shifted(network, 0.9, 0.95) for network in small[:2])]


def test_networks_of_this_file_have_high_and_low_accuracies(networks: list[Trained]) -> None:
    accuracies = [network.accuracy for network in networks]
    for low, high in pairwise((0.0, 0.9, 0.95, 0.995, 1.1)):
        assert any(low <= accuracy < high for accuracy in accuracies), (low, accuracies)


def test_counts_match_removing_weights_one_at_a_time(networks: list[Trained]) -> None:
    counted = prunability(networks, SPIRAL)
    for network, found in zip(networks, counted, strict=True):
        if network.accuracy < 0.9:
            assert found == Prunability(None, None, None)
        else:
            assert found == slow(network)


def test_counts_match_matrix_products(networks: list[Trained]) -> None:
    good = [n for n in networks if n.accuracy >= 0.9 and len(n.weights) < 200]
    assert good
    assert prunability(good, SPIRAL) == [slow(network, numpy_hits) for network in good]


@pytest.mark.parametrize("classes", [3, 10])
def test_counts_of_several_classes_match_removing_weights_one_at_a_time(classes: int) -> None:
    rng = np.random.default_rng(classes)
    points = rng.normal(size=(3_000, 5)).astype(np.float32)
    angles = np.arctan2(points[:, 0], points[:, 1]) / (2 * np.pi) + 0.5
    dataset = Dataset.of("sectors", points, np.floor(angles * classes) % classes, classes=classes)
    experiments = [
        Experiment(structure=structure, lr=0.2, epochs=20, replicate=replicate)
        for structure in ((8, 6), (12, 8, 9), (16,))
        for replicate in range(2)
    ]
    good = [n for n in train_fast(experiments, dataset, {}) if n.accuracy >= 0.9]
    assert len(good) > 3
    counted = prunability(good, dataset)
    assert counted == [slow(network, dataset=dataset) for network in good]
    assert any(count.own not in (None, 0) for count in counted)


def test_counts_do_not_depend_on_the_other_networks_of_a_batch(networks: list[Trained]) -> None:
    together = prunability(networks, SPIRAL)
    assert [prunability([network], SPIRAL)[0] for network in networks] == together
    assert prunability(networks[::-1], SPIRAL) == together[::-1]


def test_counting_does_not_change_the_networks(networks: list[Trained]) -> None:
    before = [network.weights.copy() for network in networks]
    prunability(networks, SPIRAL)
    assert all(np.array_equal(n.weights, b) for n, b in zip(networks, before, strict=True))


def spread_out(trained: Trained, extra: Sequence[int]) -> Trained:
    """The same function with wider hidden layers; the new neurons have inputs but no outputs."""
    layers = []
    for number, (weight, bias) in enumerate(trained.layers):
        more_out = 0 if number == len(trained.layers) - 1 else extra[number]
        more_in = 0 if number == 0 else extra[number - 1]
        wide = np.zeros((len(bias) + more_out, weight.shape[1] + more_in), np.float32)
        wide[: len(bias), : weight.shape[1]] = weight
        wide[len(bias) :, 0] = 1e-6  # smaller than any weight that matters
        layers.append((wide, np.concatenate([bias, np.full(more_out, 0.25, np.float32)])))
    masks = [weight != 0 for weight, _ in layers]
    return Trained.of(layers, trained.accuracy, trained.loss, weight_masks=masks)


def test_removing_disconnected_weights_changes_no_prediction(
    networks: list[Trained],
) -> None:
    network = next(n for n in networks if n.accuracy >= 0.995 and len(n.sizes) == 5)
    extra = (3, 40, 2)
    wide = spread_out(network, extra)
    (found,), (before,) = prunability([wide], SPIRAL), prunability([network], SPIRAL)
    for found_count, count in zip(astuple(found), astuple(before), strict=True):
        assert found_count == count + sum(extra)


def one_sided() -> Dataset:
    """A data set of one class, on which a constant is correct."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(100, 2)).astype(np.float32)
    return Dataset("one-sided", points, np.ones(100, np.float32))


def constant(first: NDArray[np.float32], output_bias: float) -> Trained:
    layers = [
        (first, np.full(2, 0.5, np.float32)),
        (np.zeros((2, 2), np.float32), np.full(2, 0.5, np.float32)),
        (np.ones((1, 2), np.float32), np.full(1, output_bias, np.float32)),
    ]
    masks = [weight != 0 for weight, _ in layers]
    return Trained.of(layers, 1.0, 0.1, weight_masks=masks)


def test_all_weights_of_a_correct_constant_are_prunable() -> None:
    network = constant(np.ones((2, 2), np.float32), output_bias=1.0)
    assert prunability([network], one_sided()) == [Prunability(6, 6, 6)]


def test_bias_on_a_path_affects_the_counts() -> None:
    # The logit is 0.5 + 0.5 - 0.75; without either of the last two weights it is not above 0.
    network = constant(np.full((2, 2), 0.1, np.float32), output_bias=-0.75)
    assert prunability([network], one_sided()) == [Prunability(4, 4, 4)]


def test_accuracy_equal_to_the_bound_meets_it() -> None:
    # Four kinds of points; each is classified correctly while its first weight remains.
    kinds = np.repeat(np.arange(4), [1, 1, 48, 950])
    dataset = Dataset("kinds", np.eye(4, dtype=np.float32)[kinds], np.ones(1000, np.float32))
    layers = [
        (np.diag(np.array([0.1, 0.2, 0.3, 0.4], np.float32)), np.zeros(4, np.float32)),
        (np.full((1, 4), 10, np.float32), np.full(1, -0.5, np.float32)),
    ]
    masks = [weight != 0 for weight, _ in layers]
    network = Trained.of(layers, 1.0, 0.1, weight_masks=masks)
    # Correct after each removal: 999 (0.1 % lost), 998, 950 (95 %), 0.
    assert prunability([network], dataset) == [Prunability(1, 3, 2)]


def test_network_without_weights_has_no_prunable_weights() -> None:
    layers = [
        (np.zeros((2, 2), np.float32), np.zeros(2, np.float32)),
        (np.zeros((1, 2), np.float32), np.ones(1, np.float32)),
    ]
    empty = Trained.of(layers, 1.0, 0.1, weight_masks=[weight != 0 for weight, _ in layers])
    assert prunability([empty], one_sided()) == [Prunability(0, 0, 0)]


def test_diverged_and_large_networks_have_no_counts() -> None:
    network = constant(np.ones((2, 2), np.float32), output_bias=1.0)
    diverged = replace(network, loss=float("nan"))
    rows = PRUNABLE_UP_TO // 3 + 1
    layers = [
        (np.ones((rows, 2), np.float32), np.zeros(rows, np.float32)),
        (np.ones((1, rows), np.float32), np.ones(1, np.float32)),
    ]
    large = Trained.of(layers, 1.0, 0.1)
    found = prunability([diverged, network, large], one_sided())
    assert found == [Prunability(), Prunability(6, 6, 6), Prunability()]


def test_counts_do_not_depend_on_the_trainer() -> None:
    experiment = Experiment(structure=(12, 8, 9), lr=0.05, epochs=8)
    row = train_batch([experiment]).to_pylist()[0]
    (trained,) = train_torch([experiment], SPIRAL, "cpu", {})
    (fast,) = train_fast([experiment], SPIRAL, {})
    assert prunability([trained], SPIRAL)[0] == slow(trained)
    found = Prunability(row["prunable_own"], row["prunable_95"], row["prunable_995"])
    assert found == prunability([fast], SPIRAL)[0] == slow(fast)
