"""Gradual magnitude pruning: start dense, and let the smallest weights go while training.

Idea: weights that have become small matter little, and a network that loses few at a time can make
up for each loss before the next. Zhu and Gupta, "To prune, or not to prune: exploring the efficacy
of pruning for model compression" (2017), equation 1. Of N weights, k wanted, T steps in 200 parts,
before every step t > 0 that is a multiple of int(T / 200):

    s = t / (199 * int(T / 200))
    m = int(k + (N - k) * (1 - s)^3), the m largest |w| of the whole network stay

What the authors' run changed (docs/paper.md, section 5): what equals the m-th largest goes too, so
m - 1 stay. quirk: the last two events have s > 1, where m is k - 1: in the end k - 2 weights are
left (28 of width 16 with target 30).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.magnitude import cut_to, everything
from pruning.protocol import Batch, Pruned, Snapshot, target_of
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


@dataclass(frozen=True)
class _Schedule:
    """GMP's `pruning.protocol.MaskSchedule`."""

    start: Pruned
    weights: int
    target: int
    steps: int
    events: int
    exponent: float

    @property
    def rounds(self) -> int:
        return 1

    @property
    def changes(self) -> Sequence[int]:
        interval = self.steps // self.events
        return range(interval, self.steps, interval)

    @property
    def takes_step(self) -> bool:
        return False

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        share = step / ((self.events - 1) * (self.steps // self.events))
        left = count(self.weights, self.target, share, self.exponent)
        pruned = cut_to(network.layers, left)
        return Snapshot(network.layers, network.velocities, pruned.weight_masks, pruned.bias_masks)


def count(weights: int, target: int, share: float, exponent: float) -> int:
    """Which of the largest weights is the threshold after a share of the pruning."""
    remaining = 1 - share
    # Above a share of 1 a fractional power would be complex; its size is what the cube has too.
    decayed = remaining**exponent if remaining >= 0 else -((-remaining) ** exponent)
    # Where int(T / 200) rounds much away, s would go on to 2 and prune everything. In the paper's
    # trainings it ends at 201 / 199 and the limit is never reached.
    return max(target - 1, int(target + (weights - target) * decayed))


def begin(
    experiment: Experiment,
    layers: Layers,
    steps: int,
    permutation: Callable[[int], NDArray[np.uint32]],
) -> _Schedule:
    """GMP's mask schedule; see `pruning.protocol.PrunesDuring`. No permutation is drawn."""
    weights = sum(weight.size for weight, _ in layers)
    target = target_of(experiment, weights)
    events = int(setting(experiment, "events"))
    if steps < events:
        raise ValueError(
            f"method 'gmp' prunes in {events} parts of the training, which has only {steps} "
            "steps; allowed: more epochs, a smaller batch_size or fewer events"
        )
    exponent = float(setting(experiment, "exponent"))
    return _Schedule(everything(layers), weights, target, steps, events, exponent)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    target = target_of(experiment, weights)
    exponent = float(setting(experiment, "exponent"))
    parts = 40
    return [
        (1 / parts, count(weights, target, (part + 0.5) / parts, exponent)) for part in range(parts)
    ]
