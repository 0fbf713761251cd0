"""Masks of a network: listed by an experiment, of biases, by magnitude, and on a schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Batch, Pruned, Snapshot
from pruning.selection import strictly_above
from search.experiment import Experiment
from search.layers import Layers, MaskArrays, by_layer
from search.masks.text import parse_mask


def explicit_masks(
    experiment: Experiment, inputs: int = 2, outputs: int = 1
) -> list[NDArray[np.bool_]]:
    """Return the weight masks that an experiment of the search lists, bool [n_out, n_in] by layer.

    They are all True where none is listed. Biases are not masked: every used neuron keeps its bias
    (docs/paper.md, section 3). A ValueError if the method is not "search", or a mask is malformed
    or does not fit its layer.
    """
    if experiment.method != "search":
        raise ValueError(f"method {experiment.method!r} chooses its masks itself: list none")
    shapes = experiment.hidden.shapes(inputs, outputs)
    masks = [np.ones(shape, dtype=np.bool_) for shape in shapes]
    if len(experiment.masks) > len(masks):
        raise ValueError(f"{len(experiment.masks)} masks for a network of {len(masks)} layers")
    for layer, text in enumerate(experiment.masks):
        mask = parse_mask(text)
        if mask.shape != masks[layer].shape:
            raise ValueError(
                f"mask{layer + 1} {text!r} has {mask.shape[0]} rows and {mask.shape[1]} columns, "
                f"its layer has {masks[layer].shape[0]} outputs and {masks[layer].shape[1]} inputs"
            )
        masks[layer] = mask
    return masks


def bias_masks(weight_masks: MaskArrays) -> list[NDArray[np.bool_]]:
    """Return masks that keep a hidden neuron's bias exactly if a kept weight leaves the neuron.

    Returns:
        bool [n_out] for each layer; the output layer's biases are always kept.

    Example:
        >>> import numpy as np, sparsest
        >>> masks = [np.array([[True, False], [False, False]]), np.array([[True, True]])]
        >>> [mask.tolist() for mask in sparsest.bias_masks(masks)]
        [[True, True], [True]]
    """
    kept: list[NDArray[np.bool_]] = [np.any(mask, axis=0) for mask in weight_masks[1:]]
    return [*kept, np.ones(len(weight_masks[-1]), dtype=np.bool_)]


def prospr_bias_masks(weight_masks: MaskArrays) -> list[NDArray[np.bool_]]:
    """Return `bias_masks` except in the layers that the authors' ProsPr does not mask.

    quirk: the biases of hidden layer l, counted from 0, are masked only if l is less than the
    number of rows of the layer's mask minus 1: at width 3 the last hidden layer keeps all biases.
    """
    return [
        mask if layer < len(mask) - 1 else np.ones(len(mask), dtype=np.bool_)
        for layer, mask in enumerate(bias_masks(weight_masks))
    ]


def masks_of(
    kept: NDArray[np.bool_],
    layers: Layers,
    rule: Callable[[MaskArrays], list[NDArray[np.bool_]]] = bias_masks,
) -> Pruned:
    """Return the masks that follow from a network's kept weights, bool [weights]."""
    masks = by_layer(kept, [weight.shape for weight, _ in layers])
    return Pruned(masks, rule(masks))


def full_masks(layers: Layers) -> Pruned:
    """Return masks that keep every parameter of a network.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> [mask.tolist() for mask in sparsest.full_masks(layers).weight_masks]
        [[[True, True]]]
    """
    return Pruned(
        [np.ones(weight.shape, dtype=np.bool_) for weight, _ in layers],
        [np.ones(bias.shape, dtype=np.bool_) for _, bias in layers],
    )


def keep_largest(layers: Layers, count: int) -> Pruned:
    """Return masks of the weights strictly above the count-th largest magnitude of the network.

    This is strict(m) of docs/paper.md, section 5, with m = `count`. A masked weight is zero and
    cannot return. If a weight is NaN (the training has diverged), nothing is kept, as in the
    authors' code.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> [mask.tolist() for mask in sparsest.keep_largest(layers, 2).weight_masks]
        [[[True, False]]]
    """
    magnitudes = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
    return masks_of(strictly_above(magnitudes, count), layers)


@dataclass(frozen=True)
class Scheduled:
    """A `pruning.protocol.MaskSchedule`.

    Attributes:
        start, changes, rounds, takes_step: as there.
        changed: its method `change`; None if there are no changes.
    """

    start: Pruned
    changes: Sequence[int] = ()
    changed: Callable[[int, Snapshot, Callable[[], Batch]], Snapshot] | None = None
    rounds: int = 1
    takes_step: bool = False

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        """Return the network with changed masks."""
        assert self.changed is not None
        return self.changed(step, network, batch)


def with_masks(network: Snapshot, masks: Pruned) -> Snapshot:
    """Return a network under other masks."""
    return replace(network, weight_masks=masks.weight_masks, bias_masks=masks.bias_masks)
