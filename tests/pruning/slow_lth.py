"""Slow implementation of the lottery ticket (docs/paper.md, section 5).

The method of Frankle and Carbin, "The lottery ticket hypothesis" (2019).
"""

from __future__ import annotations

import torch

from search.experiment import Experiment
from search.layers import Layers
from tests.pruning.slow_training import (
    SlowNetwork,
    SlowResult,
    batches,
    dense,
    number_of_weights,
    steps_of_a_round,
    strict,
)
from workers.datasets import Dataset

ROUNDS = 5


def lth_rank(r: int, n: int, k: int) -> int:
    """Return m of strict(m) after round r = 1..4, for n weights and target k."""
    return int(n * (k / n) ** (r / 4))


def slow_lth(
    experiment: Experiment,
    layers: Layers,
    dataset: Dataset,
    steps: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> SlowResult:
    """Train 5 rounds; prune and rewind between them.

    Pruning comes before the first batch of the next round: a training that stops at the end of a
    round is not pruned after it. There are no ties to break, because strict(m) drops all weights
    that tie with the threshold.

    Args:
        experiment: experiment with target_nnz k and the epochs of one round.
        layers: network at the start of every round, before masks.
        dataset: data set for training.
        steps: maximum number of batches, counted over all rounds; None for all.
        dtype: type of parameters and points.
    """
    k = experiment.target_nnz
    assert k is not None
    length = steps_of_a_round(experiment, dataset)
    network = SlowNetwork(experiment, layers, dense(layers), dtype)
    events = []
    for drawn, batch in enumerate(batches(experiment, dataset, steps, dtype, ROUNDS)):
        if drawn > 0 and drawn % length == 0:
            m = lth_rank(drawn // length, number_of_weights(layers), k)
            network = SlowNetwork(experiment, layers, strict(network, m), dtype)
            events.append(network.event(drawn))
        network.step(batch)
    return network.result(events)
