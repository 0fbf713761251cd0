"""Pruning as far as an accuracy is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pruning import elimination, gmp, lrr
from pruning.protocol import Measure, Measurement, PrunesAdaptively, Segment, Snapshot
from pruning.to_accuracy import number_of_weights
from search.experiment import Experiment
from search.layers import Layers
from search.sweeps.file import SweepFileError, load_sweep
from workers.adaptive import DatasetMeasure, holds_out, train_adaptively
from workers.datasets import Dataset, load_dataset
from workers.initial import starting_network
from workers.start import masked
from workers.step_schedule import StepSchedule
from workers.train import train_batch

SPIRAL = load_dataset("cubist-spiral")
FEW = Dataset("few", SPIRAL.points[::500].copy(), SPIRAL.labels[::500].copy())


class _Counted(DatasetMeasure):
    """A measure by which a network is accurate if it has enough weights."""

    def __init__(self, experiment: Experiment, needed: int) -> None:
        super().__init__(StepSchedule(experiment, FEW))
        self._needed = needed

    def validation(self, network: Snapshot) -> Measurement:
        return Measurement(float(number_of_weights(network) >= self._needed), 0.0)


def final_network(
    requests: PrunesAdaptively, experiment: Experiment, layers: Layers, measure: Measure
) -> tuple[Snapshot, list[Segment]]:
    """Return the network of an algorithm whose trainings change nothing, and its segments."""
    generator = requests(experiment, layers, measure)
    segments: list[Segment] = []
    trained: Snapshot | list[Snapshot] | None = None
    while True:
        try:
            segment = next(generator) if trained is None else generator.send(trained)
        except StopIteration as end:
            return end.value, segments
        requested = segment if isinstance(segment, list) else [segment]
        segments += requested
        networks = [masked(each.network) for each in requested]
        trained = networks if isinstance(segment, list) else networks[0]


@pytest.mark.parametrize("method", [gmp, lrr], ids=["gmp", "lrr"])
@pytest.mark.parametrize("needed", [1, 2, 23, 39, 44])
def test_as_many_weights_are_left_as_the_accuracy_needs(method: object, needed: int) -> None:
    name = "gmp" if method is gmp else "lrr"
    experiment = Experiment(method=name, width=4, batch_size=8, epochs=4, target_accuracy=0.9)
    measure = _Counted(experiment, needed)
    layers = starting_network(experiment, {})
    requests: PrunesAdaptively = method.requests  # type: ignore[attr-defined]
    network, segments = final_network(requests, experiment, layers, measure)
    assert number_of_weights(network) == needed
    magnitudes = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
    left = np.concatenate([weight.ravel() for weight, _ in masked(network).layers])
    assert np.abs(left[left != 0]).min() == np.sort(magnitudes)[-needed]
    # Each round takes the steps after those of the last one.
    steps = [segment.first_step for segment in segments]
    assert steps == [epoch * measure.steps_per_epoch for epoch in range(len(steps))]
    assert len(steps) % 4 == 0


class _Unlucky(_Counted):
    """A measure by which the first two prunings fail."""

    failures = 2

    def validation(self, network: Snapshot) -> Measurement:
        if number_of_weights(network) < 44 and self.failures:
            self.failures -= 1
            return Measurement(0.0, 0.0)
        return super().validation(network)


# 35 of 44 weights is a fifth less; two failures halve the fifth twice, or it is tried again.
@pytest.mark.parametrize(
    ("attempts", "first_counts"), [(1, [44, 35, 39, 41]), (3, [44, 35, 35, 35])]
)
def test_round_is_repeated_before_it_removes_fewer_weights(
    attempts: int, first_counts: list[int]
) -> None:
    experiment = Experiment(
        method="lrr",
        width=4,
        batch_size=8,
        epochs=4,
        target_accuracy=0.9,
        hyperparameters=(("attempts", attempts),),
    )
    measure = _Unlucky(experiment, 20)
    layers = starting_network(experiment, {})
    network, segments = final_network(lrr.requests, experiment, layers, measure)
    counts = [number_of_weights(segment.network) for segment in segments[::4]]
    assert counts[:4] == first_counts
    assert number_of_weights(network) == 20


@pytest.mark.parametrize("method", [gmp, lrr], ids=["gmp", "lrr"])
def test_whole_network_is_returned_if_it_is_not_accurate(method: object) -> None:
    name = "gmp" if method is gmp else "lrr"
    experiment = Experiment(method=name, width=4, batch_size=8, epochs=2, target_accuracy=0.9)
    requests: PrunesAdaptively = method.requests  # type: ignore[attr-defined]
    layers = starting_network(experiment, {})
    network, segments = final_network(requests, experiment, layers, _Counted(experiment, 45))
    assert number_of_weights(network) == 44
    assert len(segments) == 2


def test_elimination_returns_the_sparsest_network_that_keeps_the_accuracy() -> None:
    settings = (("candidates", 3), ("exact_below", 30), ("retrain", 0.1))
    experiment = Experiment(
        method="elimination",
        width=4,
        batch_size=8,
        epochs=4,
        target_accuracy=0.9,
        hyperparameters=settings,
    )
    layers = starting_network(experiment, {})
    measure = _Counted(experiment, 26)
    network, segments = final_network(elimination.requests, experiment, layers, measure)
    tried = [number_of_weights(segment.network) for segment in segments]
    left = number_of_weights(network)
    assert left >= 26
    # Stage 4, of four epochs, with the returned network; before, with the next sparser one.
    assert tried[-4:] == [left] * 4
    assert len(set(tried[-8:-4])) == 1
    assert tried[-5] < 26


def with_test_split() -> Dataset:
    points, labels = FEW.points, FEW.labels
    return Dataset.of("split", points[::2], labels[::2], test=(points[1::2], labels[1::2]))


def test_a_tenth_of_the_points_is_held_out_where_there_is_a_test_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = with_test_split()
    trained, held_out = split.parts()
    assert (len(trained), len(held_out)) == (len(split) - len(split) // 10, len(split) // 10)
    together = np.concatenate([trained.points, held_out.points])
    assert sorted(map(tuple, together.tolist())) == sorted(map(tuple, split.points.tolist()))
    again = with_test_split().parts()[1]
    assert again.points.tobytes() == held_out.points.tobytes()
    aimed = Experiment(method="lrr", width=4, batch_size=8, epochs=1, target_accuracy=0.3)
    assert holds_out(aimed, split)
    assert not holds_out(aimed, FEW)
    measured: list[tuple[int, float, float]] = []

    def requests(experiment: Experiment, layers: Layers, measure: Measure):  # type: ignore[no-untyped-def]
        network, _ = final_network(lrr.requests, experiment, layers, measure)
        inside, outside = measure(network), measure.validation(network)
        measured.append((len(measure.points), inside.accuracy, outside.accuracy))
        return network
        yield

    monkeypatch.setattr("workers.adaptive.algorithm", lambda *_: requests)
    result = train_adaptively(aimed, split, {})
    ((points, inside, outside),) = measured
    assert points == len(trained)
    hits = inside * len(trained) + outside * len(held_out)
    assert result.accuracy == pytest.approx(hits / len(split))


@pytest.mark.parametrize(
    ("targets", "problem"),
    [
        ({"target_nnz": 20, "target_accuracy": 0.9}, "exclude each other"),
        ({"target_accuracy": 1.5}, "1.5"),
        ({"method": "snip", "target_accuracy": 0.9}, "target_accuracy"),
        ({"method": "spred", "target_nnz": 20}, "target_nnz"),
    ],
)
def test_impossible_targets_are_refused(targets: dict[str, object], problem: str) -> None:
    make: Callable[..., Experiment] = Experiment
    with pytest.raises(ValueError, match=problem):
        train_batch([make(**{"method": "gmp", "width": 4, "epochs": 1} | targets)])


def test_pruning_to_an_accuracy_needs_no_number_of_steps(tmp_path: Path) -> None:
    """GMP's intervals, 200 of at least a step each, are only for a number of weights."""
    file = tmp_path / "few.toml"
    file.write_text(
        'name = "few"\n[base]\nmethod = "gmp"\ndataset = "two-moons"\nepochs = 1\n'
        "target_accuracy = 0.9\n"
    )
    assert len(load_sweep(file)) == 1
    file.write_text(file.read_text().replace("target_accuracy = 0.9", "target_nnz = 20"))
    with pytest.raises(SweepFileError, match="events"):
        load_sweep(file)
