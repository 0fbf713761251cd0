"""RigL: sparse from the start, weights regrown where the gradient asks for them.

Idea: a sparse network can be trained as well as a dense one if its connections may move: now and
then the smallest weights of each layer are dropped and as many grown where the loss has the largest
gradient. Evci, Gale, Menick, Castro and Elsen, "Rigging the lottery: making all tickets winners"
(ICML 2020), section 3 and algorithm 1. With steps counted from 1, at every 100th below
T_end = int(0.75 * T), in each layer that is not dense:

    drop int(n_active * 0.3 / 2 * (1 + cos(pi * step / T_end))) of the smallest |w|, and
    grow as many of the largest |g| among the rest, the dropped ones included

What the authors' run changed (docs/paper.md, section 5): the first masks are random, with
Erdos-Renyi-Kernel densities (`pruning.erk`); the gradient is one batch's, and that batch makes no
step; a grown weight starts at zero, but one that is dropped and grown at once keeps its value; the
biases follow the new masks, and one that comes back starts at zero. A grown weight that never gets
a gradient stays exactly zero and does not count as nonzero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.biases import bias_masks
from pruning.erk import erk_densities
from pruning.protocol import Batch, Pruned, Snapshot, target_of
from pruning.selection import highest
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Schedule:
    """RigL's `pruning.protocol.MaskSchedule`."""

    start: Pruned
    dense: tuple[bool, ...]
    interval: int
    drop_fraction: float
    end: int

    @property
    def rounds(self) -> int:
        return 1

    @property
    def changes(self) -> Sequence[int]:
        # RigL counts steps from 1, a mask schedule from 0.
        return range(self.interval - 1, self.end - 1, self.interval)

    @property
    def takes_step(self) -> bool:
        return True

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        # Imported here: what a training will cost is asked where nobody needs torch.
        from pruning.functional import parameters, weight_gradients

        gradients = weight_gradients(*parameters(network.layers), batch())
        decay = 1 + math.cos(math.pi * (step + 1) / self.end)
        masks = [
            mask if dense else rewired(mask, weight, gradient.numpy(), self._dropped(mask, decay))
            for dense, mask, (weight, _), gradient in zip(
                self.dense, network.weight_masks, network.layers, gradients, strict=True
            )
        ]
        return Snapshot(network.layers, network.velocities, masks, bias_masks(masks))

    def _dropped(self, mask: Mask, decay: float) -> int:
        return int(int(mask.sum()) * self.drop_fraction / 2 * decay)


def rewired(
    mask: Mask, weight: NDArray[np.float32], gradient: NDArray[np.float32], dropped: int
) -> Mask:
    """A layer's mask with the smallest weights dropped and as many others grown.

    Among equal magnitudes the first in the row-major order stays, or grows.

    Args:
        mask: bool [n_out, n_in].
        weight: float32 of that shape, zero where it is masked.
        gradient: float32 of that shape, of masked weights too.
        dropped: how many weights are dropped, at most as many as are kept now.
    """
    # Below every magnitude: what is masked cannot stay, what stays cannot grow.
    magnitudes = np.where(mask, np.abs(weight), np.float32(-1)).ravel()
    stays = highest(magnitudes, int(mask.sum()) - dropped)
    slopes = np.where(stays, np.float32(-1), np.abs(gradient).ravel())
    return (stays | highest(slopes, dropped)).reshape(mask.shape)


def random_masks(
    shapes: Sequence[tuple[int, int]],
    densities: Sequence[float],
    permutation: Callable[[int], NDArray[np.uint32]],
) -> list[Mask]:
    """Masks without int((1 - density) * weights) weights of each layer, chosen at random."""
    masks = []
    for shape, density in zip(shapes, densities, strict=True):
        size = shape[0] * shape[1]
        mask = np.ones(size, dtype=np.bool_)
        mask[permutation(size)[: int((1 - density) * size)]] = False
        masks.append(mask.reshape(shape))
    return masks


def begin(
    experiment: Experiment,
    layers: Layers,
    steps: int,
    permutation: Callable[[int], NDArray[np.uint32]],
) -> _Schedule:
    """Return RigL's mask schedule; see `pruning.protocol.PrunesDuring`.

    Draws one permutation for each layer.
    """
    shapes = [weight.shape for weight, _ in layers]
    weights = sum(weight.size for weight, _ in layers)
    densities = erk_densities(shapes, target_of(experiment, weights) / weights)
    masks = random_masks(shapes, densities, permutation)
    return _Schedule(
        Pruned(masks, bias_masks(masks)),
        tuple(density == 1.0 for density in densities),
        int(setting(experiment, "interval")),
        float(setting(experiment, "drop_fraction")),
        int(float(setting(experiment, "end")) * steps),
    )
