from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from search.experiment import Experiment
from search.layers import StoredInit
from tests.tolerance import STEP_TOLERANCE, assert_networks_agree
from workers.datasets import Dataset, load_dataset
from workers.initial import initial_network, starting_network
from workers.reference import train_reference
from workers.stored_init import layers_digest
from workers.torch_batch import in_shrinking_batches, train_torch

_MIXED = [
    Experiment(structure=(7, 3, 3)),
    Experiment(structure=(7, 3, 3), replicate=1, schedule="step", lr=0.1),
    Experiment(structure=(3, 3, 3), masks=("10|01|11", "110|011|001"), schedule="constant"),
    Experiment(structure=(3, 3, 3), momentum=0.5, weight_decay=0.01, lr=0.2),
    Experiment(structure=(1, 2, 5)),
    Experiment(structure=(4, 2)),
    Experiment(structure=(3, 3, 2, 2), masks=("10|01|10",)),
    Experiment(structure=(3, 2, 2), batch_size=100),
    Experiment(structure=(3, 2, 2), epochs=10),
    Experiment(method="snip", width=8, target_nnz=40),
    Experiment(method="prospr", width=3, target_nnz=15),
]


@pytest.fixture(scope="module")
def few() -> Dataset:
    """Return 300 points of the spiral: two batches of 128, and 44 left over."""
    spiral = load_dataset("cubist-spiral")
    chosen = np.arange(0, len(spiral), len(spiral) // 300)[:300]
    return Dataset("few", spiral.points[chosen], spiral.labels[chosen])


def _assert_matches_reference(
    experiments: Sequence[Experiment], dataset: Dataset, device: str, steps: int
) -> None:
    trained = train_torch(experiments, dataset, device, {}, steps=steps)
    assert len(trained) == len(experiments)
    for ours, experiment in zip(trained, experiments, strict=True):
        theirs = train_reference(experiment, dataset, steps=steps)
        assert_networks_agree(ours.layers, theirs.layers, STEP_TOLERANCE)
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
        # Rounding decides the class of a point whose logit is near zero.
        assert abs(ours.accuracy - theirs.accuracy) * len(dataset) < 1.5


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 40])
def test_mixed_networks_match_the_reference(few: Dataset, steps: int) -> None:
    _assert_matches_reference(_MIXED, few, "cpu", steps)


@pytest.mark.gpu
@pytest.mark.parametrize("steps", [1, 40])
def test_mixed_networks_match_the_reference_on_a_gpu(few: Dataset, steps: int) -> None:
    _assert_matches_reference(_MIXED, few, "cuda", steps)


def test_training_on_the_spiral_matches_the_reference() -> None:
    _assert_matches_reference(_MIXED[:4], load_dataset("cubist-spiral"), "cpu", 30)


@pytest.mark.parametrize(
    "masks",
    [
        ("00|11|11",),
        ("11|11|11", "000|111|111"),
        ("10|10|10",),
        ("11|11|11", "000|000|000"),
        ("11|11|11", "111|111|111", "111|111|111", "000"),
    ],
    ids=["unfed neuron", "empty row", "unused input", "empty layer", "empty output"],
)
def test_degenerate_masks_match_the_reference(few: Dataset, masks: tuple[str, ...]) -> None:
    _assert_matches_reference(
        [Experiment(structure=(3, 3, 3), masks=masks, lr=0.2)], few, "cpu", 30
    )


def test_dead_neuron_matches_the_reference(few: Dataset) -> None:
    layers = initial_network(Experiment(width=3))
    layers[0][1][0] = -100.0  # its input is far below zero for every point
    stored = StoredInit("dead", layers_digest(layers), layers)
    experiment = Experiment(width=3, init=stored.token)
    ours = train_torch([experiment], few, "cpu", {stored.token: stored}, steps=30)[0]
    theirs = train_reference(experiment, few, init=layers, steps=30)
    assert_networks_agree(ours.layers, theirs.layers, STEP_TOLERANCE)
    # Only weight decay reaches it.
    shrunk = ours.layers[0][0][0] / layers[0][0][0]
    assert shrunk[0] == pytest.approx(shrunk[1], rel=1e-6)
    assert 0.98 < shrunk[0] < 1


def test_training_ends_with_the_last_full_batch(few: Dataset) -> None:
    experiment = Experiment(structure=(3, 3, 3), epochs=3)
    ours = train_torch([experiment], few, "cpu", {})[0]
    theirs = train_reference(experiment, few, steps=6)
    assert_networks_agree(ours.layers, theirs.layers, STEP_TOLERANCE)


def test_results_are_independent_of_the_rest_of_the_batch(few: Dataset) -> None:
    together = train_torch(_MIXED, few, "cpu", {}, steps=20)
    for experiment, ours in zip(_MIXED, together, strict=True):
        alone = train_torch([experiment], few, "cpu", {}, steps=20)[0]
        assert_networks_agree(ours.layers, alone.layers, STEP_TOLERANCE)


def test_diverging_network_does_not_affect_the_others(few: Dataset) -> None:
    healthy = Experiment(structure=(3, 3, 3), epochs=5)
    diverging = Experiment(structure=(4, 3, 3), epochs=5, lr=1e12, schedule="constant")
    first, second, third = train_torch([healthy, diverging, healthy], few, "cpu", {})
    assert second.diverged
    assert not first.diverged
    alone = train_torch([healthy], few, "cpu", {})[0]
    assert_networks_agree(first.layers, alone.layers, STEP_TOLERANCE)
    assert_networks_agree(third.layers, alone.layers, STEP_TOLERANCE)


def test_results_are_in_the_order_of_the_experiments(few: Dataset) -> None:
    backwards = train_torch(_MIXED[::-1], few, "cpu", {}, steps=3)
    for experiment, trained in zip(_MIXED, backwards[::-1], strict=True):
        assert tuple(len(bias) for _, bias in trained.layers[:-1]) == experiment.hidden
        assert_networks_agree(
            trained.layers, train_reference(experiment, few, steps=3).layers, STEP_TOLERANCE
        )


def test_experiments_are_trained_in_several_batches(few: Dataset) -> None:
    experiments = [Experiment(structure=(2, 1, 1), replicate=r, epochs=1) for r in range(300)]
    trained = train_torch(experiments, few, "cpu", {}, steps=1)
    assert len({layers_digest(result.layers) for result in trained}) == 300
    for i in (0, 255, 256, 299):
        theirs = train_reference(experiments[i], few, steps=1)
        assert_networks_agree(trained[i].layers, theirs.layers, STEP_TOLERANCE)


def test_training_starts_from_the_stored_initialisation(few: Dataset) -> None:
    layers = initial_network(Experiment(replicate=77))
    stored = StoredInit("mine", layers_digest(layers), layers)
    inits = {stored.token: stored}
    experiment = Experiment(structure=(3, 2, 2), init=stored.token)
    init = starting_network(experiment, inits)
    ours = train_torch([experiment, replace(experiment, replicate=1)], few, "cpu", inits, steps=9)
    theirs = train_reference(experiment, few, init=init, steps=9)
    assert_networks_agree(ours[0].layers, theirs.layers, STEP_TOLERANCE)
    assert layers_digest(ours[1].layers) != layers_digest(ours[0].layers)


def test_logit_of_zero_is_class_0() -> None:
    layers = [(0 * weight, 0 * bias) for weight, bias in initial_network(Experiment())]
    stored = StoredInit("zero", layers_digest(layers), layers)
    points = np.ones((4, 2), dtype=np.float32)
    dataset = Dataset("four", points, np.array([0, 0, 0, 1], dtype=np.float32))
    experiment = Experiment(init=stored.token, batch_size=4)
    trained = train_torch([experiment], dataset, "cpu", {stored.token: stored}, steps=0)[0]
    assert trained.accuracy == 3 / 4
    assert trained.loss == pytest.approx(np.log(2))


def test_time_of_a_batch_is_divided_among_its_networks(few: Dataset) -> None:
    trained = train_torch(_MIXED[:2], few, "cpu", {}, steps=2)
    assert trained[0].train_ms == trained[1].train_ms > 0


def test_no_experiments_give_no_results(few: Dataset) -> None:
    assert train_torch([], few, "cpu", {}) == []


def test_batch_larger_than_the_data_set_is_refused(few: Dataset) -> None:
    with pytest.raises(ValueError, match=r"batch_size.*300.*301"):
        train_torch([Experiment(batch_size=301)], few, "cpu", {})


def _refusing_above(limit: int, sizes: list[int]) -> Callable[[Sequence[int]], list[int]]:
    def work(batch: Sequence[int]) -> list[int]:
        sizes.append(len(batch))
        if len(batch) > limit:
            raise torch.OutOfMemoryError("too many at once")
        return [item * item for item in batch]

    return work


def test_batch_is_halved_when_memory_runs_out() -> None:
    sizes: list[int] = []
    squares = in_shrinking_batches(range(20), 16, _refusing_above(5, sizes))
    assert squares == [item * item for item in range(20)]
    # Sizes that failed are not tried again.
    assert sizes == [16, 8, 4, 4, 4, 4, 4]


def test_single_network_larger_than_memory_is_an_error() -> None:
    sizes: list[int] = []
    with pytest.raises(torch.OutOfMemoryError, match="too many"):
        in_shrinking_batches(range(3), 2, _refusing_above(0, sizes))
    assert sizes == [2, 1]
