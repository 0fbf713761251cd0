"""Exchange compared with its slow version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pruning.exchange import grown, requests, stages
from search.experiment import Experiment
from tests.pruning.segments import compared
from tests.pruning.slow_exchange import slow_exchange
from tests.pruning.test_elimination import FEW, experiment_of, sparse_network
from workers.train import train_batch


def exchange_of(width: int, target: int, **settings: int | float) -> Experiment:
    return replace(experiment_of(width, target, **settings), method="exchange")


@pytest.mark.parametrize(("width", "target"), [(3, 14), (4, 8)])
def test_segments_agree_with_the_slow_algorithm(width: int, target: int) -> None:
    experiment = exchange_of(width, target, exact_below=16, candidates=1, rounds=2, proposals=3)
    segments, final = compared(requests, slow_exchange, experiment, FEW)
    grown_counts = {sum(int(m.sum()) for m in s.network.weight_masks) for s in segments[-80:]}
    assert max(grown_counts) > target
    assert sum(int(mask.sum()) for mask in final.weight_masks) <= target


@pytest.mark.parametrize("seed", range(6))
def test_growth_adds_weights_and_changes_no_other(seed: int) -> None:
    network = sparse_network(seed)
    rng = np.random.default_rng(seed)
    more = grown(network, 6, rng.random)
    added = 0
    for (weight, _), (new, _), mask, wider in zip(
        network.layers, more.layers, network.weight_masks, more.weight_masks, strict=True
    ):
        assert (wider | ~mask).all()
        np.testing.assert_array_equal(new[mask], weight[mask])
        added += int((wider & ~mask).sum())
    assert added == 6


def test_estimated_cost_counts_every_round() -> None:
    few, many = (stages(exchange_of(8, 20, rounds=rounds), 160) for rounds in (1, 3))
    costs = [sum(epochs * weights for epochs, weights in part) for part in (few, many)]
    assert costs[1] > costs[0]


def test_exchange_lowers_the_loss_of_elimination() -> None:
    settings = {"exact_below": 30, "candidates": 1, "dense": 0.2, "shrink": 0.2}
    base = replace(exchange_of(6, 16), epochs=6, batch_size=128, lr=0.02)
    without, with_rounds = (
        replace(base, hyperparameters=tuple(sorted({**settings, "rounds": rounds}.items())))
        for rounds in (0, 8)
    )
    rows = train_batch([without, with_rounds]).to_pylist()
    assert rows[1]["loss"] < rows[0]["loss"]
    assert rows[1]["weight_nnz"] <= 16
