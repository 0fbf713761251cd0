from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import pruning.force
import pruning.grasp
import pruning.iter_snip
import pruning.prospr
import pruning.snip
import pruning.synflow
from pruning.gradients import masked, parameters
from pruning.masks import bias_masks
from pruning.protocol import Batch
from pruning.registry import pruning_before
from search.experiment import Experiment
from search.layers import Layers, by_layer
from search.methods import METHODS
from tests.pruning import slow
from workers.datasets import load_dataset
from workers.initial import starting_network
from workers.start import pruning_batches

SLOW: dict[str, Callable[[Layers, Iterator[Batch], int], slow.Answer]] = {
    "snip": slow.snip,
    "grasp": slow.grasp,
    "synflow": slow.synflow,
    "iter-snip": slow.iter_snip,
    "force": slow.force,
    "prospr": lambda layers, data, k: slow.prospr(layers, data, k, lr=0.1, momentum=0.9),
}

SIZES = [(3, 15), (3, 26), (5, 20), (16, 40), (32, 65)]


def experiment_of(name: str, width: int, target: int, replicate: int = 0) -> Experiment:
    return Experiment(method=name, width=width, target_nnz=target, lr=0.1, replicate=replicate)


def batches_of(experiment: Experiment) -> Iterator[Batch]:
    return pruning_batches(experiment, load_dataset("cubist-spiral"))


def flat(masks: list[NDArray[np.bool_]]) -> list[bool]:
    return [bool(kept) for mask in masks for kept in mask.ravel()]


def test_every_algorithm_has_a_slow_counterpart() -> None:
    others = {"phew", "random"}  # in their own files: they have no scores and draw no batches
    before = {name for name, method in METHODS.items() if method.prunes == "before"}
    assert set(SLOW) | others == before


@pytest.mark.parametrize(("width", "target"), SIZES)
@pytest.mark.parametrize("name", SLOW)
def test_mask_agrees_with_the_slow_algorithm(name: str, width: int, target: int) -> None:
    experiment = experiment_of(name, width, target)
    layers = starting_network(experiment, {})
    ours = pruning_before(METHODS[name])(experiment, layers, batches_of(experiment))
    _, kept = SLOW[name](layers, batches_of(experiment), target)
    assert flat(ours.weight_masks) == kept[-1]


@pytest.mark.parametrize("name", SLOW)
def test_scores_agree_with_the_slow_algorithm(name: str) -> None:
    experiment = experiment_of(name, 6, 30, replicate=3)
    layers = starting_network(experiment, {})
    theirs, rounds = SLOW[name](layers, batches_of(experiment), 30)
    weights, biases = parameters(layers)
    data = batches_of(experiment)
    if name == "snip":
        scores = pruning.snip.score(weights, biases, next(data))
    elif name == "grasp":
        scores = pruning.grasp.score(
            weights, biases, pruning.grasp.first_of_each_class(data, 25), 200
        )
    elif name == "prospr":
        scores = pruning.prospr.score(weights, biases, data, 0.1, 0.9, 3)
    else:
        # Scores of the last round, on the network that the round before left.
        left = by_layer(np.array(rounds[-2]), [weight.shape for weight, _ in layers])
        remaining = masked(weights, left)
        batch = next(islice(data, len(rounds) - 1, None))
        if name == "iter-snip":
            scores = pruning.iter_snip.score(remaining, biases, batch)
        elif name == "force":
            scores = pruning.force.score(weights, remaining, biases, batch)
        else:
            scores = pruning.synflow.score(
                [weight.abs() for weight in remaining],
                [bias.abs() for bias in masked(biases, bias_masks(left))],
            )
    np.testing.assert_allclose(scores.numpy(), theirs, rtol=2e-4, atol=1e-5 * max(map(abs, theirs)))


def test_prospr_with_detached_first_step_agrees_with_the_slow_algorithm() -> None:
    usual = experiment_of("prospr", 6, 30)
    experiment = replace(usual, hyperparameters=(("detach_first", 1),))
    layers = starting_network(experiment, {})
    prune = pruning_before(METHODS["prospr"])
    ours = prune(experiment, layers, batches_of(experiment))
    _, kept = slow.prospr(layers, batches_of(experiment), 30, 0.1, 0.9, detach_first=True)
    assert flat(ours.weight_masks) == kept[-1]
    undetached = prune(usual, layers, batches_of(experiment))
    assert flat(undetached.weight_masks) != kept[-1]


def test_pruned_weights_return_in_force_but_not_in_iter_snip() -> None:
    experiment = experiment_of("force", 6, 30)
    layers = starting_network(experiment, {})
    weights, biases = parameters(layers)
    left = [np.random.default_rng(0).random(weight.shape) < 0.7 for weight, _ in layers]
    pruned = ~np.array(flat(left))
    remaining = masked(weights, left)
    batch = next(batches_of(experiment))
    assert not pruning.iter_snip.score(remaining, biases, batch).numpy()[pruned].any()
    assert pruning.force.score(weights, remaining, biases, batch).numpy()[pruned].any()


@pytest.mark.parametrize(
    ("name", "drawn"),
    [("snip", 1), ("iter-snip", 10), ("force", 10), ("synflow", 0), ("prospr", 4)],
)
def test_algorithm_draws_its_number_of_batches(name: str, drawn: int) -> None:
    experiment = experiment_of(name, 4, 20)
    data = batches_of(experiment)
    layers = starting_network(experiment, {})
    pruning_before(METHODS[name])(experiment, layers, data)
    expected = next(islice(batches_of(experiment), drawn, None))
    assert torch.equal(next(data)[0], expected[0])


def test_grasp_takes_the_first_points_of_each_class() -> None:
    labels = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    batches = ((torch.arange(8.0)[:, None] + 10 * n, labels) for n in range(100))
    (zeros, zero_labels), (ones, one_labels) = pruning.grasp.first_of_each_class(batches, 25)
    assert zeros[:6, 0].tolist() == [1, 4, 5, 6, 7, 11]
    assert ones[:4, 0].tolist() == [0, 2, 3, 10]
    assert len(zeros) == len(ones) == 25
    assert not zero_labels.any()
    assert one_labels.all()
    # No more batches than needed are drawn: 25 ones need nine batches of three.
    assert next(batches)[0][0, 0] == 90


def test_grasp_refuses_a_data_set_without_one_class() -> None:
    batches = ((torch.zeros(4, 1), torch.ones(4)) for _ in range(100))
    with pytest.raises(ValueError, match="0 of class 0, 25 of class 1"):
        pruning.grasp.first_of_each_class(batches, 25)
