"""Random masks: the baseline that every score has to beat, and the search of large networks.

Idea: keep weights at random. Networks that are pruned so before training are a strong baseline if
narrow layers keep more: Liu, Chen, Chen, Shen, Mocanu, Wang and Pechenizkiy, "The unreasonable
effectiveness of random pruning: return of the most naive baseline for sparse training" (ICLR 2022).
With k the target and a layer's density d from `pruning.rigl.erk_densities`,

    erk       each layer keeps about d * size weights, k in all
    uniform   every k weights of the network are as likely as every other k

Random numbers are those of the experiment's stream "random" (`pruning.draws`). Change in this
project: exactly k weights are kept, and the layers' numbers of weights are rounded by largest
remainders so that they add up to k. The authors' code (VITA-Group/Random_Pruning) keeps each weight
independently with probability d.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pruning.draws import uniform_draws
from pruning.masks import masks_of
from pruning.protocol import Batches, Pruned, target_of
from pruning.rigl import erk_densities
from pruning.selection import highest
from search.experiment import Experiment
from search.layers import Layers
from search.methods import choice


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return random masks; see `pruning.protocol.PrunesBefore`. Draws no batch."""
    shapes = [weight.shape for weight, _ in layers]
    sizes = [rows * columns for rows, columns in shapes]
    target = target_of(experiment, sum(sizes))
    draw = uniform_draws(experiment.seed("random"))
    scores = [np.array([draw() for _ in range(size)]) for size in sizes]
    if choice(experiment, "densities") == "uniform":
        kept = highest(np.concatenate(scores), target)
    else:
        densities = erk_densities(shapes, target / sum(sizes))
        counts = rounded([d * size for d, size in zip(densities, sizes, strict=True)], target)
        kept = np.concatenate([highest(s, count) for s, count in zip(scores, counts, strict=True)])
    return masks_of(kept, layers)


def rounded(parts: Sequence[float], total: int) -> list[int]:
    """Return whole numbers that add up to a total, by largest remainders; ties go to the first.

    The parts are numbers from 0 that add up to about the total, and rounded down to at most it.
    """
    counts = [int(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: counts[place] - parts[place])
    for place in by_remainder[: total - sum(counts)]:
        counts[place] += 1
    return counts
