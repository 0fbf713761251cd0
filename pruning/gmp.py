"""Gradual magnitude pruning: start dense and remove the smallest weights during training.

Idea: small weights matter little, and a network that loses few at a time can recover before it
loses more. Zhu and Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model
compression" (2017), with their cubic schedule. With N weights, target k and T steps in 200
intervals, before every step t > 0 that is a multiple of int(T / 200):

    s = t / (199 * int(T / 200))
    m = int(k + (N - k) * (1 - s)^3), keep the m largest |w| of the network

Changes in the authors' run (docs/paper.md, section 5): magnitudes are compared over the whole
network, not within each layer; weights equal to the m-th largest are pruned too, so m - 1 stay.
quirk: the last two events have s > 1 and m = k - 1, so k - 2 weights remain at
the end (28 for width 16 and target 30).

With `target_accuracy` in place of k, rounds of one training each remove a fifth of the weights
first and less later, as `pruning.to_accuracy` describes. In the first half of a round the weights
are removed at the start of every epoch along the same curve, and the second half recovers.
"""

from __future__ import annotations

from collections.abc import Callable

from pruning.masks import Scheduled, full_masks, keep_largest, with_masks
from pruning.protocol import Batch, Measure, Permute, Requests, Segment, Snapshot, target_of
from pruning.to_accuracy import number_of_weights, prune_to_accuracy, rounds_to_accuracy
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

FRACTION = 0.2
"""Fraction of the weights that a round removes with `target_accuracy`, until one fails."""


def count(weights: int, target: int, fraction: float, exponent: float) -> int:
    """Return m, the rank of the threshold weight, after this fraction of the schedule."""
    remaining = 1 - fraction
    # Above a fraction of 1 the power would be complex; the cube has the same magnitude.
    decayed = remaining**exponent if remaining >= 0 else -((-remaining) ** exponent)
    # If int(T / 200) truncates much, s would reach 2 and prune everything. In the paper's trainings
    # it ends at 201 / 199, below this limit.
    return max(target - 1, int(target + (weights - target) * decayed))


def begin(experiment: Experiment, layers: Layers, steps: int, permutation: Permute) -> Scheduled:
    """Return GMP's mask schedule; see `pruning.protocol.PrunesDuring`. Draws no permutation."""
    weights = sum(weight.size for weight, _ in layers)
    target = target_of(experiment, weights)
    events = int(setting(experiment, "events"))
    if steps < events:
        raise ValueError(
            f"method 'gmp' divides the training into {events} intervals, but it has only "
            f"{steps} steps; allowed: more epochs, a smaller batch_size or fewer events"
        )
    exponent, interval = float(setting(experiment, "exponent")), steps // events

    def change(step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        rank = count(weights, target, step / ((events - 1) * interval), exponent)
        return with_masks(network, keep_largest(network.layers, rank))

    return Scheduled(full_masks(layers), range(interval, steps, interval), change)


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Prune as far as an accuracy is kept; see `pruning.protocol.PrunesAdaptively`."""
    exponent = float(setting(experiment, "exponent"))
    rates = measure.learning_rates

    def one_round(network: Snapshot, left: int, first: int) -> Requests:
        weights, half = number_of_weights(network), max(1, len(rates) // 2)
        for epoch, rate in enumerate(rates):
            if epoch < half:
                # A rank keeps one weight fewer.
                rank = count(weights, left, (epoch + 1) / half, exponent) + 1
                network = with_masks(network, keep_largest(network.layers, rank))
            step = first + epoch * measure.steps_per_epoch
            network = yield Segment(network, step, step + measure.steps_per_epoch, rate)
        return network

    return prune_to_accuracy(experiment, layers, measure, FRACTION, one_round)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    if experiment.target_accuracy is not None:
        return rounds_to_accuracy(weights, FRACTION)
    target = target_of(experiment, weights)
    return curve_stages(weights, target, float(setting(experiment, "exponent")))


def curve_stages(
    weights: int, target: int, exponent: float, length: float = 1.0
) -> list[tuple[float, int]]:
    """Return the stages of a schedule that takes this fraction of the training."""
    parts = 40
    return [
        (length / parts, count(weights, target, (part + 0.5) / parts, exponent))
        for part in range(parts)
    ]
