"""Random masks: their counts, and that every weight is as likely as its layer's density says."""

from __future__ import annotations

import numpy as np
import pytest

from pruning.connectivity import effective_mask
from pruning.protocol import Pruned
from pruning.random_masks import prune, rounded
from pruning.registry import pruning_before
from pruning.rigl import erk_densities
from search.experiment import Experiment
from search.methods import METHODS
from workers.initial import starting_network


def pruned_of(replicate: int, target: int = 20, **hyperparameters: str) -> Pruned:
    experiment = Experiment(
        method="random",
        width=4,
        target_nnz=target,
        replicate=replicate,
        hyperparameters=tuple(sorted(hyperparameters.items())),
    )
    run = pruning_before(METHODS["random"])
    return run(experiment, starting_network(experiment, {}), iter(()))


@pytest.mark.parametrize("densities", ["erk", "uniform"])
def test_random_masks_keep_exactly_the_target(densities: str) -> None:
    for replicate, target in enumerate((1, 7, 20, 43)):
        masks = pruned_of(replicate, target, densities=densities).weight_masks
        assert sum(int(mask.sum()) for mask in masks) == target


def test_erk_counts_are_the_densities_rounded() -> None:
    shapes = [(4, 2), (4, 4), (4, 4), (1, 4)]
    sizes = np.array([8, 16, 16, 4])
    expected = np.array(erk_densities(shapes, 20 / 44)) * sizes
    for replicate in range(5):
        counts = [int(mask.sum()) for mask in pruned_of(replicate).weight_masks]
        assert np.all(np.abs(counts - expected) < 1)


def test_every_weight_of_a_layer_is_as_likely_as_the_others() -> None:
    kept = np.mean([pruned_of(r).weight_masks[1] for r in range(400)], axis=0)
    # Each is a share of 400 masks: 4.5 standard deviations.
    assert np.all(np.abs(kept - kept.mean()) < 4.5 * np.sqrt(0.25 / 400))
    assert not np.array_equal(pruned_of(0).weight_masks[1], pruned_of(1).weight_masks[1])


def test_effective_budget_leaves_only_weights_on_a_path() -> None:
    for replicate in range(3):
        masks = pruned_of(replicate, budget="effective").weight_masks
        on_path = effective_mask(masks)
        assert all(np.array_equal(*pair) for pair in zip(masks, on_path, strict=True))


def test_rounding_by_largest_remainders_adds_up_to_the_total() -> None:
    assert rounded([1.5, 2.25, 3.25], 7) == [2, 2, 3]
    assert rounded([0.5, 0.5, 1.0], 2) == [1, 0, 1]
    assert rounded([2.0, 3.0], 5) == [2, 3]


def test_random_pruning_draws_no_batch() -> None:
    experiment = Experiment(method="random", width=3, target_nnz=10)
    assert len(prune(experiment, starting_network(experiment, {}), iter(())).weight_masks) == 4
