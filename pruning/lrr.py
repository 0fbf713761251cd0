"""Learning-rate rewinding: train, remove the smallest weights, repeat with the trained values.

Idea: a trained weight's sign and size are worth keeping, but a network that has lost weights needs
large steps to recover. So every round restarts the learning-rate schedule and no round restarts the
weights. Renda, Frankle and Carbin, "Comparing rewinding and fine-tuning in neural network pruning"
(ICLR 2020): iterative, by global magnitude, with 20 % of the weights in a round as in the authors'
code (lottery-ticket/rewinding-iclr20-public, whose examples rewind the schedule to an early step
instead of the first one); Gadhikar and Burkholz, "Masks, signs, and learning rate rewinding" (ICLR
2024), explain by the signs why it leaves better networks than the lottery ticket. With N weights
and target k:

    n_0 = N, n_r = max(k, int(n_(r-1) * (1 - 0.2))) weights after round r, until n_r = k

Each round takes `Experiment.epochs` epochs with the experiment's schedule and a new optimiser. The
n_r weights of largest magnitude of the whole network are kept, fewer if several equal the largest
one removed. With `target_accuracy` the rounds end, and become smaller, as `pruning.to_accuracy`
describes.
"""

from __future__ import annotations

from collections.abc import Callable

from pruning.masks import Scheduled, full_masks, keep_largest, with_masks
from pruning.protocol import Batch, Measure, Permute, Requests, Snapshot, target_of
from pruning.segments import dense_network, train_rounds
from pruning.to_accuracy import prune_to_accuracy, rounds_to_accuracy
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def _pruned(network: Snapshot, count: int) -> Snapshot:
    """Return the network with its largest weights and without momentum."""
    return with_masks(dense_network(network.layers), keep_largest(network.layers, count + 1))


def counts(weights: int, target: int, fraction: float) -> list[int]:
    """Return the number of weights trained in each round, from all weights to the target."""
    left = [weights]
    while left[-1] > target:
        left.append(max(target, int(left[-1] * (1 - fraction))))
    return left


def begin(experiment: Experiment, layers: Layers, steps: int, permutation: Permute) -> Scheduled:
    """Return LRR's mask schedule; see `pruning.protocol.PrunesDuring`. Draws no permutation."""
    counts_of = _counts(experiment, sum(weight.size for weight, _ in layers))
    rounds = len(counts_of)

    def change(step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        return _pruned(network, counts_of[step // steps])

    return Scheduled(full_masks(layers), range(steps, rounds * steps, steps), change, rounds)


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Prune as far as an accuracy is kept; see `pruning.protocol.PrunesAdaptively`."""

    def one_round(network: Snapshot, left: int, first: int) -> Requests:
        return train_rounds(_pruned(network, left), measure, first)

    fraction = float(setting(experiment, "fraction"))
    return prune_to_accuracy(experiment, layers, measure, fraction, one_round)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    if experiment.target_accuracy is not None:
        return rounds_to_accuracy(weights, float(setting(experiment, "fraction")))
    return [(1.0, left) for left in _counts(experiment, weights)]


def _counts(experiment: Experiment, weights: int) -> list[int]:
    target = target_of(experiment, weights)
    return counts(weights, target, float(setting(experiment, "fraction")))
