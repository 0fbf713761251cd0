"""Methods that prune during training, trained in segments, compared with their slow versions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pruning.protocol import MaskSchedule
from pruning.rigl import rewired
from search.experiment import Experiment
from search.layers import Layers
from search.methods import METHODS
from tests.pruning.slow_gmp import slow_gmp
from tests.pruning.slow_granet import granet_count, granet_moved, slow_granet
from tests.pruning.slow_lrr import lrr_rounds, slow_lrr
from tests.pruning.slow_lth import slow_lth
from tests.pruning.slow_rigl import drop_and_grow, slow_rigl
from tests.pruning.slow_training import SlowResult
from tests.pruning.test_slow_during import DATASET, experiment_of
from workers.cost import prefers_matrices
from workers.mask_schedule import mask_schedule_of, train_with_mask_schedule
from workers.trained import Trained

NAMES = ("gmp", "lth", "rigl", "lrr", "granet")


def slow(
    experiment: Experiment, layers: Layers, schedule: MaskSchedule, steps: int | None
) -> SlowResult:
    if experiment.method == "gmp":
        return slow_gmp(experiment, layers, DATASET, steps)
    if experiment.method == "lth":
        return slow_lth(experiment, layers, DATASET, steps)
    if experiment.method == "lrr":
        return slow_lrr(experiment, layers, DATASET, steps)
    if experiment.method == "granet":
        return slow_granet(experiment, layers, DATASET, steps)
    return slow_rigl(experiment, layers, schedule.start.weight_masks, DATASET, steps)


def kept(trained: Trained) -> list[int]:
    return [int(place) for place in trained.weight_index]


def flat(masks: list[NDArray[np.bool_]]) -> list[int]:
    return np.flatnonzero(np.concatenate([mask.ravel() for mask in masks])).tolist()


def assert_same(trained: Trained, expected: SlowResult) -> None:
    assert kept(trained) == flat(expected.weight_masks)
    assert trained.bias_index.tolist() == flat(expected.bias_masks)
    for (weight, bias), (slow_weight, slow_bias) in zip(
        trained.layers, expected.layers, strict=True
    ):
        np.testing.assert_allclose(weight, slow_weight, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(bias, slow_bias, rtol=1e-3, atol=1e-4)


def test_every_algorithm_has_a_slow_counterpart() -> None:
    assert set(NAMES) == {name for name, method in METHODS.items() if method.prunes == "during"}


@pytest.mark.parametrize("steps", [100, 199, 350, None])
@pytest.mark.parametrize(("width", "target"), [(3, 15), (8, 30), (16, 40)])
@pytest.mark.parametrize("name", ["gmp", "lth", "rigl"])
def test_network_agrees_with_the_slow_algorithm(
    name: str, width: int, target: int, steps: int | None
) -> None:
    experiment = experiment_of(name, width, target)
    layers, schedule = mask_schedule_of(experiment, DATASET, {})
    trained = train_with_mask_schedule(experiment, DATASET, layers, schedule, steps=steps)
    assert_same(trained, slow(experiment, layers, schedule, steps))


@pytest.mark.parametrize(
    ("name", "width", "target", "epochs", "steps"),
    [
        ("lrr", 4, 20, 1, None),
        ("lrr", 8, 30, 1, 250),
        ("granet", 4, 20, 4, None),
        ("granet", 8, 30, 4, None),
        ("granet", 16, 40, 4, 250),
    ],
)
def test_short_training_agrees_with_the_slow_algorithm(
    name: str, width: int, target: int, epochs: int, steps: int | None
) -> None:
    experiment = experiment_of(name, width, target, epochs)
    layers, schedule = mask_schedule_of(experiment, DATASET, {})
    trained = train_with_mask_schedule(experiment, DATASET, layers, schedule, steps=steps)
    expected = slow(experiment, layers, schedule, steps)
    assert len(expected.events) > 1
    assert_same(trained, expected)


@pytest.mark.parametrize("name", ["gmp", "lth"])
def test_wide_network_agrees_with_the_slow_algorithm(name: str) -> None:
    # Matrix products train the first steps, the sparse kernel the others.
    # One epoch for LTH: after five, rounding has swapped two of 12,960 weights.
    experiment = experiment_of(name, 80, 65, epochs=5 if name == "gmp" else 1)
    layers, schedule = mask_schedule_of(experiment, DATASET, {})
    assert prefers_matrices([np.ones(weight.shape, np.bool_) for weight, _ in layers])
    steps = 200
    trained = train_with_mask_schedule(experiment, DATASET, layers, schedule, steps=steps)
    expected = slow(experiment, layers, schedule, steps)
    assert len(expected.events) > 0
    assert not prefers_matrices(expected.weight_masks)
    assert_same(trained, expected)


def test_rigl_breaks_ties_like_the_slow_algorithm() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        mask = rng.random((4, 5)) < 0.5
        weight = rng.integers(-2, 3, (4, 5)).astype(np.float32) * mask
        gradient = rng.integers(-2, 3, (4, 5)).astype(np.float32)
        for dropped in range(int(mask.sum()) + 1):
            ours = rewired(mask, weight, gradient, dropped)
            theirs = drop_and_grow(weight.tolist(), mask.tolist(), gradient.tolist(), dropped)
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", NAMES)
def test_curve_ends_at_the_row(name: str) -> None:
    experiment = experiment_of(name, 4, 20)
    schedule = mask_schedule_of(experiment, DATASET, {})
    plain = train_with_mask_schedule(experiment, DATASET, *schedule)
    measured = train_with_mask_schedule(experiment, DATASET, *schedule, curves=True)
    rounds = {"lth": 5, "lrr": len(lrr_rounds(44, 20))}.get(name, 1)
    assert len(measured.curve) == rounds * experiment.epochs
    assert measured.curve[-1] == (plain.accuracy, plain.loss)
    # Measuring splits the segments but changes no result.
    np.testing.assert_array_equal(measured.weights, plain.weights)
    assert not plain.curve


def test_gmp_stops_at_the_target_if_steps_are_no_multiple_of_its_events() -> None:
    experiment = experiment_of("gmp", 4, 20, epochs=3)
    layers, schedule = mask_schedule_of(experiment, DATASET, {})
    # 363 steps in 200 intervals of 1: the formula alone would reach a fraction of 1.8.
    assert len(schedule.changes) == 362
    trained = train_with_mask_schedule(experiment, DATASET, layers, schedule)
    assert len(trained.weights) == 18


def test_gmp_refuses_fewer_steps_than_events() -> None:
    experiment = experiment_of("gmp", 4, 20, epochs=1)
    with pytest.raises(ValueError, match=r"200 .*121 steps"):
        mask_schedule_of(experiment, DATASET, {})


@pytest.mark.parametrize(
    ("name", "settings", "changes"),
    [
        ("gmp", (("events", 5),), [121, 242, 363, 484]),
        ("lth", (("rounds", 3),), [605, 1210]),
        ("rigl", (("end", 0.5), ("interval", 90)), [89, 179, 269]),
        ("lrr", (("fraction", 0.6),), [605, 1210]),
        ("granet", (("interval", 200),), [200, 400, 600]),
    ],
)
def test_hyperparameter_has_an_effect(
    name: str, settings: tuple[tuple[str, int | float], ...], changes: list[int]
) -> None:
    experiment = experiment_of(name, 8, 30)
    changed = replace(experiment, hyperparameters=settings)
    assert list(mask_schedule_of(changed, DATASET, {})[1].changes) == changes
    assert changed.experiment_id != experiment.experiment_id


def test_lrr_keeps_the_known_numbers_of_weights() -> None:
    # Four fifths, rounded down: 44, 35.2, 28, 22.4 and 17.6, which is below the target.
    assert lrr_rounds(44, 20) == [44, 35, 28, 22, 20]
    experiment = experiment_of("lrr", 4, 20, epochs=1)
    layers, schedule = mask_schedule_of(experiment, DATASET, {})
    trained = train_with_mask_schedule(experiment, DATASET, layers, schedule)
    assert schedule.rounds == 5
    assert len(trained.weights) == 20


def test_granet_keeps_and_moves_the_known_numbers_of_weights() -> None:
    # A quarter of the pruning: 20 + 540 * (3 / 4)^3 = 247.8. Half of it: 87.5.
    assert [granet_count(event, 8, 560, 20) for event in (0, 2, 4, 8)] == [560, 247, 87, 20]
    # Half of 13 at first, 0.2525 of them in the middle, 0.005 at the end; always at least one.
    assert [granet_moved(13, step, 1000) for step in (0, 500, 1000)] == [7, 4, 1]
    experiment = experiment_of("granet", 8, 30)
    layers, _ = mask_schedule_of(experiment, DATASET, {})
    result = slow_granet(experiment, layers, DATASET)
    assert [(event.batch, event.kept) for event in result.events] == [
        (step, granet_count(min(step // 100, 4), 4, 152, 30)) for step in range(100, 601, 100)
    ]
    moved = [
        (before.masks[layer] & ~after.masks[layer]).any()
        for before, after in zip(result.events[3:], result.events[4:], strict=False)
        for layer in range(4)
    ]
    assert any(moved)


def test_granet_refuses_a_training_without_events() -> None:
    experiment = replace(experiment_of("granet", 4, 20), hyperparameters=(("interval", 500),))
    with pytest.raises(ValueError, match=r"500 steps.*605 steps"):
        mask_schedule_of(experiment, DATASET, {})
