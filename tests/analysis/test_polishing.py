"""Polishing: accuracy as the objective, and what pruning gains by it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis.records.candidates import pruned
from analysis.records.evaluation import point_accuracy
from analysis.records.known import Known, file_text, read_networks
from analysis.records.polishing import Effort, polished
from search.layers import Layers
from tests.orchestrator.running import sparsest
from workers.datasets import Dataset, load_dataset


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take fewer and larger steps, and restore torch's number of threads."""
    few = Effort(steps=100, points=2000)
    monkeypatch.setattr(polished, "__defaults__", (few,))
    monkeypatch.setattr("analysis.records.candidates.THOROUGH", few)
    monkeypatch.setattr("analysis.records.polishing.RATE", 0.03)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def accuracy(layers: Layers, dataset: Dataset) -> Fraction:
    return point_accuracy(layers, dataset, np.float32)


@pytest.mark.parametrize(("name", "outputs"), [("iris", 3), ("xor", 1)])
def test_polishing_raises_the_accuracy_and_keeps_the_zeros(name: str, outputs: int) -> None:
    dataset = load_dataset(name)
    drawn = np.random.default_rng(0)
    networks: list[Layers] = []
    for _ in range(3):
        shapes = [(4, dataset.features), (outputs, 4)]
        weights = [drawn.normal(size=shape) * (drawn.random(shape) < 0.7) for shape in shapes]
        biases = [drawn.normal(size=shape[0]) * (drawn.random(shape[0]) < 0.7) for shape in shapes]
        pairs = zip(weights, biases, strict=True)
        networks.append([(w.astype(np.float32), b.astype(np.float32)) for w, b in pairs])
    found = polished(networks, dataset)
    gains = [
        accuracy(b, dataset) - accuracy(a, dataset) for a, b in zip(networks, found, strict=True)
    ]
    assert min(gains) >= 0
    assert max(gains) > 0.1
    for before, after in zip(networks, found, strict=True):
        for layers in zip(before, after, strict=True):
            for one, other in zip(*layers, strict=True):
                np.testing.assert_array_equal(one == 0, other == 0)


def test_point_that_no_line_gets_right_does_not_move_the_line() -> None:
    # Cross-entropy moves a line towards the outlier at -100; accuracy does not.
    points = np.array([[-100.0, 0], [-1, 0], [-0.5, 1], [0.5, 0], [1, 1], [2, 0]])
    dataset = Dataset.of("outlier", points, [1, 0, 0, 1, 1, 1])
    shifted: Layers = [(np.array([[1, 0]], np.float32), np.array([0.9], np.float32))]
    assert accuracy(shifted, dataset) == Fraction(4, 6)
    assert accuracy(polished([shifted], dataset)[0], dataset) == Fraction(5, 6)


def test_polishing_moves_a_network_whose_logits_are_mostly_zero() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, size=(400, 2))
    dataset = Dataset.of("threshold", points, points[:, 0] > 0.3)
    neuron = (np.array([[1, 0]], np.float32), np.array([-0.1], np.float32))
    layers: Layers = [neuron, (np.ones((1, 1), np.float32), np.zeros(1, np.float32))]
    assert accuracy(layers, dataset) < Fraction("0.95")
    assert accuracy(polished([layers], dataset)[0], dataset) > Fraction("0.98")


def test_pruning_with_polishing_needs_fewer_weights() -> None:
    # Without the second weight the line is far away, until its bias has moved.
    points = np.random.default_rng(0).uniform([-1, 4], [1, 6], size=(200, 2))
    dataset = Dataset.of("far", points, points[:, 0] + 0.2 * points[:, 1] > 1)
    layers: Layers = [(np.array([[1, 0.2]], np.float32), np.array([-1], np.float32))]
    counts = []
    for polish in (False, True):
        found = [layers, *pruned(layers, dataset, [Fraction("0.9")], polish=polish)]
        assert accuracy(found[-1], dataset) >= Fraction("0.9")
        counts.append(int(np.count_nonzero(found[-1][0][0])))
    assert counts == [2, 1]


def test_command_polishes_the_known_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSEST_RESULTS", str(tmp_path))
    layers: Layers = [(np.array([[1, -2]], np.float32), np.array([0.5], np.float32))]
    file = tmp_path / "records.json"
    file.write_text(file_text([Known("two-moons", layers, "me").measured()]))
    for _ in range(2):
        ended = sparsest("records", "--polish", "--dataset", "two-moons")
        assert ended.code == 0, ended.err
    found = read_networks(file)
    assert {one.by for one in found} <= {"me", "me, polished"}
    assert min(one.counts["weights"] for one in found) == 1
