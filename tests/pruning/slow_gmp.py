"""Slow implementation of gradual magnitude pruning (docs/paper.md, section 5).

The method of Zhu and Gupta, "To prune, or not to prune" (2017): a cubic ramp from dense to
sparse during a single training.
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


def gmp_events(total: int) -> list[int]:
    """Return the steps, counted from 0, before which a training of `total` steps prunes."""
    interval = int(total / 200)
    return [t for t in range(total) if t > 0 and t % interval == 0]


def gmp_rank(t: int, total: int, n: int, k: int) -> int:
    """Return m of strict(m) before step t, for n weights and target k."""
    interval = int(total / 200)
    s = t / (199 * interval)
    return int(k + (n - k) * (1 - s) ** 3)


def slow_gmp(
    experiment: Experiment,
    layers: Layers,
    dataset: Dataset,
    steps: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> SlowResult:
    """Train and prune.

    An event comes before its step: a training that stops after t steps has not had event t. There
    are no ties to break, because strict(m) drops all weights that tie with the threshold.

    Args:
        experiment: experiment with target_nnz k.
        layers: initial network.
        dataset: data set for training.
        steps: maximum number of batches; None for all.
        dtype: type of parameters and points.
    """
    k = experiment.target_nnz
    assert k is not None
    total = steps_of_a_round(experiment, dataset)
    network = SlowNetwork(experiment, layers, dense(layers), dtype)
    moments = gmp_events(total)
    events = []
    for t, batch in enumerate(batches(experiment, dataset, steps, dtype)):
        if t in moments:
            m = gmp_rank(t, total, number_of_weights(layers), k)
            network.set_masks(strict(network, m))
            events.append(network.event(t))
        network.step(batch)
    return network.result(events)
