"""The state of a network before its first training step: parameters and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.explicit_masks import explicit_masks
from pruning.protocol import Batch
from pruning.registry import pruning_before
from pruning.validation import check_masks
from search.experiment import Experiment
from search.layers import Layers, StoredInit
from search.method import TARGETS
from search.methods import method_named
from search.process_state import plugin_call
from workers.datasets import Dataset
from workers.initial import starting_network
from workers.orders import permutation


@dataclass(frozen=True, eq=False)
class Start:
    """A network before its first step.

    Attributes:
        layers: (weight float32 [n_out, n_in], bias float32 [n_out]) per layer, input side first;
            masked parameters are zero.
        weight_masks: bool [n_out, n_in] per layer, True where a weight is trained.
        bias_masks: bool [n_out] per layer, True where a bias is trained.
        extras: what the method stores beside the row: JSON values by name.
    """

    layers: Layers
    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]
    extras: Mapping[str, Any] = field(default_factory=dict)


def start_of(
    experiment: Experiment,
    dataset: Dataset,
    inits: Mapping[str, StoredInit],
    layers: Layers | None = None,
) -> Start:
    """Return the start of an experiment, running its pruning algorithm if it has one.

    Args:
        experiment: experiment of a method whose masks are fixed before training.
        dataset: data set from which pruning draws its batches.
        inits: stored initialisations by token.
        layers: initial layers of the used neurons; None for those of the experiment.

    Raises:
        ValueError: the method is unknown or prunes in another phase, a mask or the target does
            not fit, the method chooses masks that do not fit, or an initialisation is missing.
    """
    method = method_named(experiment.method)
    if layers is None:
        layers = starting_network(experiment, inits, dataset.features, dataset.outputs)
    extras: Mapping[str, Any] = {}
    if not method.chooses_masks:
        weight_masks = explicit_masks(experiment, dataset.features, dataset.outputs)
        bias_masks = [np.ones(len(mask), dtype=np.bool_) for mask in weight_masks]
    else:
        check_targets(experiment)
        # Imported late: torch takes seconds and 200 MB, which workers of a search do not need.
        import torch  # noqa: F401 - must be loaded before `method_call` sets its state

        prune = pruning_before(method)
        with method_call(method.name):
            pruned = prune(experiment, layers, pruning_batches(experiment, dataset))
        weight_masks, bias_masks = pruned.weight_masks, pruned.bias_masks
        check_masks(method.name, weight_masks, bias_masks, layers)
        extras = pruned.extras
    return Start(masked_layers(layers, weight_masks, bias_masks), weight_masks, bias_masks, extras)


def check_targets(experiment: Experiment) -> None:
    """Check that an experiment leaves the choice of masks to its method and gives it a target.

    Raises:
        ValueError: it gives masks, or a target that the method does not use, or two targets.
    """
    method = method_named(experiment.method)
    if experiment.masks:
        raise ValueError(
            f"method {experiment.method!r} chooses its masks itself, but the experiment gives masks"
        )
    accuracy = experiment.target_accuracy
    given = {"target_nnz": experiment.target_nnz, "target_accuracy": accuracy}
    targets = sorted(name for name, value in given.items() if value is not None)
    unused = [name for name in targets if name not in method.keys]
    if unused:
        used = ", ".join(sorted(TARGETS & method.keys)) or "no target"
        raise ValueError(f"method {method.name!r} does not use {unused[0]}; allowed: {used}")
    if len(targets) > 1:
        raise ValueError(f"{' and '.join(targets)} exclude each other; allowed: one of them")
    if accuracy is not None and not 0 < accuracy <= 1:
        raise ValueError(f"target_accuracy cannot be {accuracy}; allowed: above 0, up to 1")


def method_call(method: str) -> AbstractContextManager[None]:
    """Return the context in which a method's code runs; see `plugin_call`."""
    return plugin_call(f"method {method!r}")


def pruning_batches(experiment: Experiment, dataset: Dataset) -> Iterator[Batch]:
    """Yield batches without end, drawn as for training but in data orders used for nothing else.

    Pass p over the data set follows the order of epoch p of the stream "pruning". The last, short
    batch of a pass is left out.

    Args:
        experiment: source of the seed and the batch size.
        dataset: data set to draw from.

    Yields:
        Points float32 [batch_size, features] and labels float32 [batch_size], class numbers.

    Raises:
        ValueError: a batch is larger than the data set.
    """
    import torch

    steps = dataset.steps_per_epoch(experiment.batch_size)
    order = np.empty(len(dataset), dtype=np.uint32)
    for epoch in count():
        permutation(experiment.seed("pruning"), epoch, order)
        for step in range(steps):
            first = step * experiment.batch_size
            points = order[first : first + experiment.batch_size]
            # Copied into memory that torch aligns: alignment may decide the order of a sum.
            yield torch.tensor(dataset.points[points]), torch.tensor(dataset.labels[points])


def masked_layers(
    layers: Layers,
    weight_masks: Sequence[NDArray[np.bool_]],
    bias_masks: Sequence[NDArray[np.bool_]],
) -> Layers:
    """Return a copy of the layers with masked entries set to zero, even where they are NaN."""
    return [
        (np.where(weight_mask, weight, np.float32(0)), np.where(bias_mask, bias, np.float32(0)))
        for (weight, bias), weight_mask, bias_mask in zip(
            layers, weight_masks, bias_masks, strict=True
        )
    ]
