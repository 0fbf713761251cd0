"""Pruning as far as an accuracy is kept, in place of a number of weights.

1. Train the whole network for one round: `Experiment.epochs` epochs with the schedule.
2. Continue from the last network that kept `target_accuracy`: a round leaves a fraction f of its
   weights out. If the accuracy after the round is kept, repeat; if not, drop the round, and after
   `attempts` such rounds in a row halve f. Rounds differ in their data order.
3. Stop when f removes a single weight and is to be halved, or one weight is left.

The accuracy is that of `Measure.validation`. If the whole network does not reach it, it is returned
as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from pruning.protocol import Measure, Requests, Snapshot
from pruning.segments import dense_network, train_rounds
from search.experiment import Experiment
from search.layers import Layers, count_kept
from search.methods import setting

Round = Callable[[Snapshot, int, int], Requests]
"""(network, number of weights to leave, first step) -> requests for the training of one round."""

ASSUMED_LEFT = 20
"""Number of weights at which pruning is assumed to stop, for estimates of cost."""


def keeps(experiment: Experiment, network: Snapshot, measure: Measure) -> bool:
    """Return whether a network has the experiment's `target_accuracy`."""
    target = experiment.target_accuracy
    return target is not None and measure.validation(network).accuracy >= target


def prune_to_accuracy(
    experiment: Experiment, layers: Layers, measure: Measure, fraction: float, round_of: Round
) -> Requests:
    """Return the last network that kept the accuracy.

    The first rounds remove this fraction of the weights; `round_of` trains a round that prunes.
    """
    steps = len(measure.learning_rates) * measure.steps_per_epoch
    network = yield from train_rounds(dense_network(layers), measure)
    first, weights = steps, number_of_weights(network)
    possible = keeps(experiment, network, measure)
    attempts, failures = int(setting(experiment, "attempts")), 0
    while possible and weights > 1:
        left = max(1, min(weights - 1, int(weights * (1 - fraction))))
        candidate = yield from round_of(network, left, first)
        first += steps
        if keeps(experiment, candidate, measure):
            # Fewer can be left: equal magnitudes are removed together.
            network, weights, failures = candidate, number_of_weights(candidate), 0
            continue
        failures += 1
        if failures == attempts:
            possible = left < weights - 1
            fraction, failures = fraction / 2, 0
    return network


def number_of_weights(network: Snapshot) -> int:
    """Return the number of unmasked weights."""
    return count_kept(network.weight_masks)


def rounds_to_accuracy(weights: int, fraction: float) -> list[tuple[float, int]]:
    """Return the stages of a training; see `pruning.registry.stages_of`."""
    stages = [(1.0, weights)]
    while weights > ASSUMED_LEFT:
        weights = min(weights - 1, int(weights * (1 - fraction)))
        stages.append((1.0, weights))
    return stages
