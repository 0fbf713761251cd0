"""RigL: sparse from the start; weights are dropped by magnitude and grown by gradient.

Idea: a sparse network trains as well as a dense one if its connections can move: periodically the
smallest weights of each layer are dropped, and as many are grown where the gradient is largest.
Evci, Gale, Menick, Castro and Elsen, "Rigging the lottery: making all tickets winners" (ICML 2020),
section 3 and algorithm 1, with the settings of section 4. With steps counted from 1, at every 100th
below T_end = int(0.75 * T), in each layer that is not dense:

    drop the int(n_active * 0.3 / 2 * (1 + cos(pi * step / T_end))) smallest |w|, and
    grow as many of the largest |g| among the others, the dropped ones included

Changes in the authors' run (docs/paper.md, section 5): the initial masks are random, with
Erdos-Renyi-Kernel densities (`erk_densities`); the gradient is that of one batch, which is not used
for a step; a grown weight starts at zero, but a weight that is dropped and grown at once keeps its
value; bias masks follow from the new masks, where the paper masks no biases, and a bias that
returns starts at zero. A grown weight that never gets a gradient stays exactly zero and does not
count as nonzero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pruning.masks import Scheduled, bias_masks, with_masks
from pruning.protocol import Batch, Permute, Pruned, Snapshot, target_of
from pruning.selection import highest
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

Mask = NDArray[np.bool_]


def rewired(
    mask: Mask, weight: NDArray[np.float32], gradient: NDArray[np.float32], dropped: int
) -> Mask:
    """Return a layer's mask with the `dropped` smallest weights dropped and as many others grown.

    Among equal magnitudes the first in row-major order is kept, or grown. The weight is zero where
    masked; the gradient, of its shape, is that of masked weights too.
    """
    # -1 is below every magnitude: masked weights cannot be kept, kept ones cannot be grown.
    magnitudes = np.where(mask, np.abs(weight), np.float32(-1)).ravel()
    kept = highest(magnitudes, int(mask.sum()) - dropped)
    slopes = np.where(kept, np.float32(-1), np.abs(gradient).ravel())
    return (kept | highest(slopes, dropped)).reshape(mask.shape)


def erk_densities(shapes: Sequence[tuple[int, int]], density: float) -> list[float]:
    """Return the Erdos-Renyi-Kernel density of each layer.

    Given are (n_out, n_in) of each layer and the density of the whole network. A layer's density is
    proportional to (n_in + n_out) / (n_in * n_out), so that narrow layers keep more (Mocanu et al.,
    "Scalable training of artificial neural networks with adaptive sparse connectivity inspired by
    network science", 2018, as used by the authors of RigL). As in the authors' code
    (google-research/rigl), a layer whose density would exceed 1 becomes dense, and the other layers
    share the remaining weights.

    The network's density is above 0 and below 1. A layer's is from 0 to 1, exactly 1.0 for dense
    ones; weighted by the layers' sizes their mean is `density`. Computed in double precision in the
    order of docs/paper.md, section 5: another order can change a number of weights by one.
    """
    sizes = [n_out * n_in for n_out, n_in in shapes]
    raw = [(n_in + n_out) / (n_in * n_out) for n_out, n_in in shapes]
    dense: set[int] = set()
    while True:
        others = [layer for layer in range(len(shapes)) if layer not in dense]
        wanted = sum(sizes[layer] * density for layer in others)
        wanted -= sum(sizes[layer] * (1 - density) for layer in sorted(dense))
        scale = wanted / sum(raw[layer] * sizes[layer] for layer in others)
        largest = max(raw[layer] for layer in others)
        if largest * scale <= 1:
            break
        dense |= {layer for layer in others if raw[layer] == largest}
    return [1.0 if layer in dense else scale * raw[layer] for layer in range(len(shapes))]


def random_masks(
    shapes: Sequence[tuple[int, int]], densities: Sequence[float], permutation: Permute
) -> list[Mask]:
    """Return masks that omit int((1 - density) * size) random weights of each layer."""
    masks = []
    for shape, density in zip(shapes, densities, strict=True):
        size = shape[0] * shape[1]
        mask = np.ones(size, dtype=np.bool_)
        mask[permutation(size)[: int((1 - density) * size)]] = False
        masks.append(mask.reshape(shape))
    return masks


def begin(experiment: Experiment, layers: Layers, steps: int, permutation: Permute) -> Scheduled:
    """Return RigL's mask schedule; see `pruning.protocol.PrunesDuring`.

    Draws one permutation for each layer.
    """
    # Imported here: estimates of costs import this module and do not need torch.
    from pruning.gradients import parameters, weight_gradients

    shapes = [weight.shape for weight, _ in layers]
    weights = sum(weight.size for weight, _ in layers)
    densities = erk_densities(shapes, target_of(experiment, weights) / weights)
    initial = random_masks(shapes, densities, permutation)
    interval, drop = int(setting(experiment, "interval")), setting(experiment, "drop_fraction")
    end = int(float(setting(experiment, "end")) * steps)

    def change(step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        gradients = weight_gradients(*parameters(network.layers), batch())
        decay = 1 + math.cos(math.pi * (step + 1) / end)
        masks = []
        for density, mask, (weight, _), gradient in zip(
            densities, network.weight_masks, network.layers, gradients, strict=True
        ):
            dropped = int(int(mask.sum()) * drop / 2 * decay)
            dense = density == 1.0
            masks.append(mask if dense else rewired(mask, weight, gradient.numpy(), dropped))
        return with_masks(network, Pruned(masks, bias_masks(masks)))

    # RigL counts steps from 1, a `MaskSchedule` from 0.
    changes = range(interval - 1, end - 1, interval)
    return Scheduled(Pruned(initial, bias_masks(initial)), changes, change, takes_step=True)
