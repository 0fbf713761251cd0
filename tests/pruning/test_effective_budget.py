"""Budgets in weights on paths, compared with a slow search and with the definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product

import numpy as np
import pytest
from numpy.typing import NDArray

from pruning.connectivity import effective_mask
from pruning.protocol import Batch, Pruned
from pruning.registry import pruning_before
from search.experiment import Experiment
from search.layers import Layers
from search.methods import METHODS
from tests.pruning import slow
from tests.pruning.test_algorithms import SLOW, batches_of, experiment_of
from workers.initial import starting_network
from workers.train import train_batch


def effective(name: str, width: int, target: int) -> Experiment:
    experiment = experiment_of(name, width, target)
    return replace(experiment, hyperparameters=(("budget", "effective"),))


def pruned(experiment: Experiment, layers: Layers) -> Pruned:
    return pruning_before(METHODS[experiment.method])(experiment, layers, batches_of(experiment))


def count(masks: list[NDArray[np.bool_]]) -> int:
    return sum(int(mask.sum()) for mask in masks)


def on_paths(kept: list[bool], layers: Layers) -> set[tuple[int, ...]]:
    """Return the kept weights (layer, target, source) of every path, by walking all paths."""
    numbers = iter(kept)
    masks = [
        [[next(numbers) for _ in range(weight.shape[1])] for _ in range(weight.shape[0])]
        for weight, _ in layers
    ]
    sizes = [layers[0][0].shape[1], *(len(bias) for _, bias in layers)]
    found: set[tuple[int, ...]] = set()
    for path in product(*map(range, sizes)):
        edges = [(layer, path[layer + 1], path[layer]) for layer in range(len(masks))]
        if all(masks[layer][i][j] for layer, i, j in edges):
            found.update(edges)
    return found


def slow_snip(layers: Layers, data: Iterator[Batch], k: int) -> tuple[set[tuple[int, ...]], int]:
    """Return the weights on paths of the longest ranking with at most k of them, and its length."""
    scores, _ = slow.snip(layers, data, k)
    order = sorted(scores, reverse=True)
    best: tuple[set[tuple[int, ...]], int] = (set(), 0)
    for length in range(1, len(scores)):
        found = on_paths([score >= order[length - 1] for score in scores], layers)
        if len(found) > k:
            return best
        best = found, length
    return best


@pytest.mark.parametrize(("width", "target"), [(3, 12), (4, 20), (5, 10)])
def test_snip_agrees_with_the_slow_search(width: int, target: int) -> None:
    experiment = effective("snip", width, target)
    layers = starting_network(experiment, {})
    found, length = slow_snip(layers, batches_of(experiment), target)
    ours = pruned(experiment, layers)
    kept = {
        (layer, int(i), int(j))
        for layer, mask in enumerate(ours.weight_masks)
        for i, j in zip(*np.nonzero(mask), strict=True)
    }
    assert kept == found
    assert ours.extras["direct_nnz"] >= length


@pytest.mark.parametrize(("width", "target"), [(8, 30), (16, 20)])
@pytest.mark.parametrize("name", SLOW)
def test_next_budget_would_exceed_the_target(name: str, width: int, target: int) -> None:
    experiment = effective(name, width, target)
    layers = starting_network(experiment, {})
    ours = pruned(experiment, layers)
    direct = ours.extras["direct_nnz"]
    assert direct >= target
    usual = replace(experiment, hyperparameters=())

    def tried(budget: int) -> list[NDArray[np.bool_]]:
        prune = pruning_before(METHODS[name])
        masks = prune(replace(usual, target_nnz=budget), layers, batches_of(experiment))
        return effective_mask(masks.weight_masks)

    for mask, expected in zip(ours.weight_masks, tried(direct), strict=True):
        np.testing.assert_array_equal(mask, expected)
    assert count(ours.weight_masks) <= target < count(tried(direct + 1))


def test_row_counts_the_weights_on_paths_and_stores_the_direct_budget() -> None:
    experiment = replace(effective("snip", 16, 20), epochs=1)
    (row,) = train_batch([experiment]).to_pylist()
    assert 15 < row["effective_nnz"] == row["weight_nnz"] <= 20
    assert '"direct_nnz"' in row["extras"]


def test_every_budget_is_tried_with_the_same_batches() -> None:
    experiment = effective("force", 6, 20)
    data = batches_of(experiment)
    pruning_before(METHODS["force"])(experiment, starting_network(experiment, {}), data)
    expected = next(islice(batches_of(experiment), 10, None))
    assert next(data)[0].tolist() == expected[0].tolist()


def test_direct_budget_is_the_default_and_changes_no_id() -> None:
    for name in SLOW:
        assert METHODS[name].settings["budget"].default == "direct"
    assert effective("snip", 8, 30).experiment_id != experiment_of("snip", 8, 30).experiment_id
