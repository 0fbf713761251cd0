"""Elimination compared with its slow version, and its saliencies with their definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pruning.elimination import MAX_SHIFT, ShrinkingNetwork, requests, sample_of, stages
from pruning.exponential import exp_minus
from pruning.protocol import Snapshot
from pruning.segments import dense_network
from search.experiment import Experiment
from search.methods import METHODS
from tests.pruning.segments import compared
from tests.pruning.slow_elimination import SlowNetwork, slow_elimination
from workers.datasets import Dataset, load_dataset
from workers.train import train_batch

SPIRAL = load_dataset("cubist-spiral")
FEW = Dataset("few", SPIRAL.points[::2000].copy(), SPIRAL.labels[::2000].copy())
SAMPLE = FEW.points.astype(np.float64), FEW.labels.astype(np.float64)
SLOW_SAMPLE = SAMPLE[0].tolist(), SAMPLE[1].tolist()


def experiment_of(width: int, target: int, **settings: int | float) -> Experiment:
    return Experiment(
        method="elimination",
        width=width,
        target_nnz=target,
        lr=0.1,
        batch_size=8,
        epochs=4,
        hyperparameters=tuple(sorted(settings.items())),
    )


def sparse_network(seed: int, outputs: int = 1) -> Snapshot:
    """Return a random network of widths 5, 4 and 3 in which about half of the weights are kept."""
    rng = np.random.default_rng(seed)
    layers, masks = [], []
    for n_in, n_out in ((2, 5), (5, 4), (4, 3), (3, outputs)):
        mask = rng.random((n_out, n_in)) < 0.6
        mask[0, 0] = True
        masks.append(mask)
        weight = rng.normal(size=mask.shape).astype(np.float32) * mask
        layers.append((weight, rng.normal(size=n_out).astype(np.float32)))
    return replace(dense_network(layers), weight_masks=masks)


@pytest.mark.parametrize(
    ("width", "target", "exact_below"), [(3, 14, 16), (4, 10, 14), (3, 20, 70)]
)
def test_segments_agree_with_the_slow_algorithm(width: int, target: int, exact_below: int) -> None:
    experiment = experiment_of(width, target, exact_below=exact_below, candidates=3)
    segments, final = compared(requests, slow_elimination, experiment, FEW)
    assert len(segments) > 40
    assert sum(int(mask.sum()) for mask in final.weight_masks) <= target


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_saliency_is_the_loss_without_the_weight(seed: int, outputs: int) -> None:
    snapshot = sparse_network(seed, outputs)
    labels = SAMPLE[1] + np.arange(len(SAMPLE[1])) % 2 if outputs == 3 else SAMPLE[1]
    slow = SlowNetwork(snapshot, SLOW_SAMPLE[0], labels.tolist())
    unrolled = ShrinkingNetwork(snapshot, (SAMPLE[0], labels))._activations()
    losses, expansions = map(unrolled.by_layer, (unrolled.losses(), unrolled.expansions()))
    for layer, mask in enumerate(snapshot.weight_masks):
        assert np.isinf(losses[layer][~mask]).all()
        assert np.isinf(expansions[layer][~mask]).all()
    for edge in slow.weights:
        layer, i, j = edge
        assert losses[layer][i, j] == pytest.approx(slow.without([edge]).loss(), rel=1e-12)
        assert expansions[layer][i, j] == pytest.approx(slow.expansion(edge), abs=1e-12)


@pytest.mark.parametrize("outputs", [1, 3])
def test_smallest_losses_have_the_same_bits_when_the_others_are_not_needed(outputs: int) -> None:
    points = 3 * np.random.default_rng(5).normal(size=(1000, 2))
    sample = points, (np.abs(points).sum(axis=1) > 3).astype(np.float64)
    unrolled = ShrinkingNetwork(sparse_network(0, outputs), sample)._activations()
    every, few = unrolled.losses(), unrolled.losses(4)
    smallest = np.argsort(every, kind="stable")[:4]
    np.testing.assert_array_equal(np.argsort(few, kind="stable")[:4], smallest)
    np.testing.assert_array_equal(few[smallest], every[smallest])
    assert np.isinf(few).sum() > np.isinf(every).sum()


@pytest.mark.parametrize("seed", range(4))
def test_folding_changes_no_output(seed: int) -> None:
    snapshot = sparse_network(seed)
    network = ShrinkingNetwork(snapshot, SAMPLE)
    removed = sorted(SlowNetwork(snapshot, *SLOW_SAMPLE).weights)[::2]
    network.remove(removed)
    unfolded = SlowNetwork(snapshot, *SLOW_SAMPLE).without(removed)
    folded = SlowNetwork(network.snapshot(), *SLOW_SAMPLE)
    assert len(folded.weights) < len(unfolded.weights)
    for point in SLOW_SAMPLE[0]:
        expected = unfolded.sums(point)[-1][0]
        assert folded.sums(point)[-1][0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("period", [1, 2, 4, 10])
def test_sample_has_every_class_in_its_share_whatever_the_order_of_labels(period: int) -> None:
    labels = (np.arange(4000) // period % 4 == 0).astype(np.float32)
    points = np.arange(4000, dtype=np.float32)[:, np.newaxis]
    sampled, of_sampled = sample_of(points, labels, 1000)
    assert 400 < len(sampled) <= 1000
    assert abs(of_sampled.mean() - labels.mean()) <= MAX_SHIFT
    np.testing.assert_array_equal(of_sampled, labels[sampled[:, 0].astype(np.intp)])


def test_sample_of_the_spiral_is_every_49th_point() -> None:
    dataset = load_dataset("cubist-spiral")
    points, labels = sample_of(dataset.points, dataset.labels)
    np.testing.assert_array_equal(points, dataset.points[::49])
    np.testing.assert_array_equal(labels, dataset.labels[::49])


def test_exponential_is_accurate() -> None:
    for x in np.linspace(0, 699, 5000):
        assert exp_minus(x) == pytest.approx(np.exp(-x), rel=1e-15)
    assert exp_minus(800.0) == exp_minus(np.nan) == 0


def test_wide_network_is_eliminated() -> None:
    # Width 80: matrix products train the first steps, the sparse kernel the others.
    (row,) = train_batch([replace(experiment_of(80, 30), batch_size=128, epochs=1)]).to_pylist()
    assert row["status"] == "ok"
    assert row["effective_nnz"] == row["weight_nnz"] <= 30


def test_diverged_training_is_recorded_as_diverged() -> None:
    experiment = replace(experiment_of(8, 20), lr=1e6, batch_size=128, epochs=1)
    (row,) = train_batch([experiment]).to_pylist()
    assert (row["status"], row["accuracy"]) == ("diverged", None)


def test_stages_describe_the_training() -> None:
    found = stages(experiment_of(16, 20), 560)
    assert found[0] == (0.4, 560)
    assert found[-1] == (1.0, 20)
    assert sum(rounds for rounds, _ in found) == pytest.approx(0.4 + 1.2 + 50 * 6 * 0.08 + 1)
    weights = [left for _, left in found[: 1 + 40]]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == METHODS["elimination"].settings["exact_below"].default
