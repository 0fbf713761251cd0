"""Where a training starts: initial parameters and masks, whatever the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.explicit_masks import explicit_masks
from pruning.registry import pruning_before
from pruning.validation import check_masks
from search.experiment import Experiment
from search.methods import method_named
from workers.datasets import Dataset
from workers.initial import Layers, StoredInit, starting_network


@dataclass(frozen=True, eq=False)
class Start:
    """A network before its first step.

    Attributes:
        layers: (weight float32 [n_out, n_in], bias float32 [n_out]) a layer, input side first;
            masked parameters are zero.
        weight_masks: bool [n_out, n_in] a layer, True where a weight is trained.
        bias_masks: bool [n_out] a layer, likewise.
    """

    layers: Layers
    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]


def start_of(
    experiment: Experiment,
    dataset: Dataset,
    inits: Mapping[str, StoredInit],
    layers: Layers | None = None,
) -> Start:
    """The start of an experiment: its masks are given, or chosen now.

    Args:
        experiment: of a method whose masks are settled before training.
        dataset: what pruning draws its batches from.
        inits: stored initialisations by their token.
        layers: initial layers of the used neurons instead of the experiment's own.

    Raises:
        ValueError: the method is unknown or prunes in another phase, a mask or the target does
            not fit, the method chooses masks that do not, or an initialisation is missing.
    """
    method = method_named(experiment.method)
    if layers is None:
        layers = starting_network(experiment, inits, dataset.features)
    if not method.chooses_masks:
        weight_masks = explicit_masks(experiment, dataset.features)
        bias_masks = [np.ones(len(mask), dtype=np.bool_) for mask in weight_masks]
    else:
        if experiment.masks:
            raise ValueError(f"method {method.name!r} chooses its masks itself: none are given")
        prune = pruning_before(method)
        # Imported here: torch takes seconds and 200 MB that a worker of the search does not need.
        from workers.pruning_batches import one_thread, pruning_batches

        with one_thread():
            pruned = prune(experiment, layers, pruning_batches(experiment, dataset))
        weight_masks, bias_masks = pruned.weight_masks, pruned.bias_masks
        check_masks(method.name, weight_masks, bias_masks, layers)
    return Start(masked_layers(layers, weight_masks, bias_masks), weight_masks, bias_masks)


def masked_layers(
    layers: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    weight_masks: Sequence[NDArray[np.bool_]],
    bias_masks: Sequence[NDArray[np.bool_]],
) -> Layers:
    """A copy with exactly zero where a mask says so, whatever was there, NaN included."""
    return [
        (np.where(weight_mask, weight, np.float32(0)), np.where(bias_mask, bias, np.float32(0)))
        for (weight, bias), weight_mask, bias_mask in zip(
            layers, weight_masks, bias_masks, strict=True
        )
    ]
