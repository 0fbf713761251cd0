"""GraNet: gradual magnitude pruning in which weights also move, as in RigL.

Idea: a pruned network recovers better if some of its connections are replaced at the same time by
new ones. Liu, Chen, Chen, Atashgahi, Yin, Kou, Shen, Pechenizkiy, Wang and Mocanu, "Sparse training
via boosting pruning plasticity with neuroregeneration" (NeurIPS 2021), from a dense network
(initial sparsity 0), with the details of the authors' code (VITA-Group/GraNet). With N weights,
target k and T steps, before every step t > 0 that is a multiple of 100, for event i = t / 100:

1. Until event n = int(0.6875 * T / 100): keep the int(k + (N - k) * (1 - i / n)^3) weights of
   largest magnitude of the whole network (Zhu and Gupta's cubic schedule).
2. In each layer with n_l weights left, drop the ceil(p * n_l) smallest |w| and grow as many of the
   largest |g| among the others, the dropped ones included, with

       p = 0.005 + (0.5 - 0.005) / 2 * (1 + cos(pi * t / T))

The gradient g is that of the batch of step t before part 1. A grown weight starts at zero, but one
that part 2 drops and grows at once keeps its value. A grown weight that never gets a gradient stays
exactly zero and does not count as nonzero. Zeros are the first weights that part 1 removes, and if
several weights equal the largest one removed, fewer are kept.

The settings are the defaults of the authors' code, whose examples have 160 epochs and prune until
epoch 110, every 1000 steps. Changes: their g is that of the batch before, at the weights before its
step; their part 1 prunes the threshold weight too, so that one fewer is kept; their part 2 drops
all weights equal to the largest one dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pruning.gmp import count, curve_stages
from pruning.masks import Scheduled, bias_masks, full_masks, keep_largest
from pruning.protocol import Batch, Permute, Snapshot, target_of
from pruning.rigl import rewired
from search.experiment import Experiment
from search.layers import Layers, MaskArrays
from search.methods import setting

EXPONENT = 3.0
"""Exponent of the schedule, which is GMP's (`pruning.gmp.count`)."""

LEAST_MOVED = 0.005
"""Fraction of a layer's weights that is replaced at the end of the training."""


def _only(masks: MaskArrays, layers: Layers) -> Layers:
    """Return layers whose masked weights are zero."""
    return [
        (np.where(mask, weight, np.float32(0)), bias)
        for mask, (weight, bias) in zip(masks, layers, strict=True)
    ]


def moved_fraction(drop_fraction: float, progress: float) -> float:
    """Return the fraction of a layer's weights to replace after a fraction of the training."""
    decay = (1 + math.cos(math.pi * progress)) / 2
    return LEAST_MOVED + (drop_fraction - LEAST_MOVED) * decay


def begin(experiment: Experiment, layers: Layers, steps: int, permutation: Permute) -> Scheduled:
    """Return GraNet's mask schedule; see `pruning.protocol.PrunesDuring`. Draws no permutation."""
    # Imported here: estimates of costs import this module and do not need torch.
    from pruning.gradients import parameters, weight_gradients

    weights = sum(weight.size for weight, _ in layers)
    target = target_of(experiment, weights)
    interval, drop = int(setting(experiment, "interval")), setting(experiment, "drop_fraction")
    pruning_events = int(float(setting(experiment, "end")) * steps / interval)
    if not pruning_events:
        raise ValueError(
            f"method 'granet' prunes every {interval} steps, but its pruning ends before that: the "
            f"training has {steps} steps; allowed: more epochs or a smaller interval"
        )

    def change(step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        masks: MaskArrays = network.weight_masks
        event = step // interval
        if event <= pruning_events:
            left = count(weights, target, event / pruning_events, EXPONENT)
            masks = keep_largest(network.layers, left + 1).weight_masks
        # As in the authors' code, the gradient is that of the network before part 1.
        gradients = weight_gradients(*parameters(network.layers), batch())
        moved = moved_fraction(drop, step / steps)
        regrown = [
            rewired(mask, weight, gradient.numpy(), math.ceil(moved * int(mask.sum())))
            for mask, (weight, _), gradient in zip(masks, network.layers, gradients, strict=True)
        ]
        # A weight that part 1 has removed and part 2 has grown starts at zero and without momentum.
        layers, velocities = _only(masks, network.layers), _only(masks, network.velocities)
        return Snapshot(layers, velocities, regrown, bias_masks(regrown))

    return Scheduled(full_masks(layers), range(interval, steps, interval), change)


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    target = target_of(experiment, weights)
    end = float(setting(experiment, "end"))
    return [*curve_stages(weights, target, EXPONENT, end), (1 - end, target)]
