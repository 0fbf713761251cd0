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

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pruning.magnitude import full_masks, keep_largest
from pruning.protocol import Batch, Measure, Permute, Pruned, Requests, Snapshot, target_of
from pruning.segments import at_rest, train_rounds
from pruning.to_accuracy import pruned_to_accuracy, rounds_to_accuracy
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


@dataclass(frozen=True)
class _Schedule:
    """LRR's `pruning.protocol.MaskSchedule`.

    Attributes:
        counts: number of weights trained in each round.
        steps: number of steps of a round.
    """

    start: Pruned
    counts: Sequence[int]
    steps: int
    takes_step: bool = False

    @property
    def rounds(self) -> int:
        return len(self.counts)

    @property
    def changes(self) -> Sequence[int]:
        return range(self.steps, self.rounds * self.steps, self.steps)

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        return _pruned(network, self.counts[step // self.steps])


def _pruned(network: Snapshot, count: int) -> Snapshot:
    """Return the network with its largest weights and without momentum."""
    pruned = keep_largest(network.layers, count + 1)
    velocities = at_rest(network.layers)
    return Snapshot(network.layers, velocities, pruned.weight_masks, pruned.bias_masks)


def counts(weights: int, target: int, fraction: float) -> list[int]:
    """Return the number of weights trained in each round, from all weights to the target."""
    left = [weights]
    while left[-1] > target:
        left.append(max(target, int(left[-1] * (1 - fraction))))
    return left


def begin(experiment: Experiment, layers: Layers, steps: int, permutation: Permute) -> _Schedule:
    """Return LRR's mask schedule; see `pruning.protocol.PrunesDuring`. Draws no permutation."""
    return _Schedule(
        full_masks(layers), _counts(experiment, sum(weight.size for weight, _ in layers)), steps
    )


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Prune as far as an accuracy is kept; see `pruning.protocol.PrunesAdaptively`."""

    def one_round(network: Snapshot, left: int, first: int) -> Requests:
        return train_rounds(_pruned(network, left), measure, first)

    fraction = float(setting(experiment, "fraction"))
    return pruned_to_accuracy(experiment, layers, measure, fraction, one_round)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    if experiment.target_accuracy is not None:
        return rounds_to_accuracy(weights, float(setting(experiment, "fraction")))
    return [(1.0, left) for left in _counts(experiment, weights)]


def _counts(experiment: Experiment, weights: int) -> list[int]:
    target = target_of(experiment, weights)
    return counts(weights, target, float(setting(experiment, "fraction")))
