"""The trainer of methods that request segments of training."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from pruning.masks import Scheduled
from pruning.protocol import Measure, Measurement, Pruned, Segment, Snapshot
from search.experiment import Experiment
from search.layers import Layers
from workers.adaptive import train_adaptively
from workers.datasets import load_dataset
from workers.mask_schedule import train_with_mask_schedule
from workers.train import train_batch
from workers.trained import Trained

Requests = Generator[Segment, Snapshot, Snapshot]
Algorithm = Callable[[Experiment, Layers, Measure], Requests]

SPIRAL = load_dataset("cubist-spiral")
EXPERIMENT = Experiment(method="elimination", width=4, target_nnz=20, lr=0.1, epochs=2)


def dense(layers: Layers) -> Snapshot:
    zeros = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
    weight_masks = [np.ones(weight.shape, np.bool_) for weight, _ in layers]
    bias_masks = [np.ones(bias.shape, np.bool_) for _, bias in layers]
    return Snapshot(layers, zeros, weight_masks, bias_masks)


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Callable[[Algorithm], Trained]:
    """A function that trains `EXPERIMENT` with an algorithm of the test."""

    def trained(algorithm: Algorithm) -> Trained:
        monkeypatch.setattr("workers.adaptive.algorithm", lambda *_: algorithm)
        return train_adaptively(EXPERIMENT, SPIRAL, {})

    return trained


def test_segments_train_like_fixed_masks(train: Callable[[Algorithm], Trained]) -> None:
    initial: list[Layers] = []

    def epochs(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        initial.append(layers)
        network = dense(layers)
        for epoch, rate in enumerate(measure.learning_rates):
            first = epoch * measure.steps_per_epoch
            for step in (first, first + 100):
                last = first + (100 if step == first else measure.steps_per_epoch)
                network = yield Segment(network, step, last, rate)
        return network

    ours = train(epochs)
    whole = dense(initial[0])
    masks = Scheduled(Pruned(whole.weight_masks, whole.bias_masks))
    expected = train_with_mask_schedule(EXPERIMENT, SPIRAL, initial[0], masks)
    assert ours.weights.tolist() == expected.weights.tolist()
    assert ours.biases.tolist() == expected.biases.tolist()
    assert (ours.accuracy, ours.loss) == (expected.accuracy, expected.loss)
    assert not ours.curve


def test_overlapping_segments_use_the_same_batches(train: Callable[[Algorithm], Trained]) -> None:
    def twice(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        one = yield Segment(dense(layers), 300, 500, 0.1)
        two = yield Segment(dense(layers), 300, 500, 0.1)
        for (weight, bias), (same_weight, same_bias) in zip(one.layers, two.layers, strict=True):
            np.testing.assert_array_equal(weight, same_weight)
            np.testing.assert_array_equal(bias, same_bias)
        other = yield Segment(dense(layers), 301, 501, 0.1)
        assert not np.array_equal(one.layers[0][0], other.layers[0][0])
        return one

    train(twice)


def test_measurement_agrees_with_the_result(train: Callable[[Algorithm], Trained]) -> None:
    measured: list[Measurement] = []

    def short(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        network = yield Segment(dense(layers), 0, 50, 0.1)
        measured.append(measure(network))
        for array in (measure.points, measure.labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
        return network

    trained = train(short)
    assert measured == [Measurement(trained.accuracy, trained.loss)]


def test_masked_parameters_of_the_final_network_are_dropped(
    train: Callable[[Algorithm], Trained],
) -> None:
    def pruned(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        network = yield Segment(dense(layers), 0, 50, 0.1)
        masks = [mask.copy() for mask in network.weight_masks]
        masks[1][:, 2:] = False
        return replace(network, weight_masks=masks)

    trained = train(pruned)
    assert len(trained.weights) == 44 - 8
    assert not trained.layers[1][0][:, 2:].any()


def diverging(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    network = yield Segment(dense(layers), 0, 200, 1e30)
    return network


def test_diverged_network_gives_a_diverged_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.adaptive.algorithm", lambda *_: diverging)
    (row,) = train_batch([EXPERIMENT]).to_pylist()
    assert (row["status"], row["weights"]) == ("diverged", None)


def in_float64(network: Snapshot) -> Snapshot:
    return replace(network, layers=[(w.astype(np.float64), b) for w, b in network.layers])


@pytest.mark.parametrize(
    ("request_of", "problem"),
    [
        (lambda network: network, "a Snapshot, not a Segment"),
        (lambda network: Segment(network, -1, 5, 0.1), "steps -1 to 5"),
        (lambda network: Segment(network, 6, 5, 0.1), "steps 6 to 5"),
        (lambda network: Segment(network, 0, cast(int, 5.5), 0.1), r"steps 0 to 5\.5"),
        (lambda network: Segment(network, 0, 5, float("nan")), "rate nan"),
        (lambda network: Segment(in_float64(network), 0, 5, 0.1), "float64"),
    ],
)
def test_impossible_segment_is_refused(
    request_of: Callable[[Snapshot], Segment],
    problem: str,
    train: Callable[[Algorithm], Trained],
) -> None:
    def impossible(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        return (yield request_of(dense(layers)))

    with pytest.raises(ValueError, match=f"'elimination'.*{problem}"):
        train(impossible)


def test_algorithm_that_returns_no_network_is_refused(
    train: Callable[[Algorithm], Trained],
) -> None:
    def nothing(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        yield Segment(dense(layers), 0, 1, 0.1)
        return None  # type: ignore[return-value]

    with pytest.raises(ValueError, match=r"'elimination'.*NoneType"):
        train(nothing)


def test_algorithm_that_yields_nothing_is_refused(train: Callable[[Algorithm], Trained]) -> None:
    def returns(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        return cast(Requests, dense(layers))

    with pytest.raises(ValueError, match=r"elimination.*generator"):
        train(returns)
