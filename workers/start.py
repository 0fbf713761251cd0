"""The state of a network before its first training step: parameters and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import count

import numpy as np
from numpy.typing import NDArray

from pruning.masks import explicit_masks
from pruning.protocol import Batch, Pruned, Snapshot
from pruning.registry import pruning_before
from pruning.segments import at_rest
from pruning.validation import check_masks
from search.experiment import Experiment
from search.layers import Layers, StoredInit
from search.method import TARGETS
from search.methods import method_named
from search.process_state import plugin_call
from workers.datasets import Dataset
from workers.initial import starting_network
from workers.orders import permutation


def start_of(
    experiment: Experiment,
    dataset: Dataset,
    inits: Mapping[str, StoredInit],
    layers: Layers | None = None,
) -> Snapshot:
    """Return the network of an experiment before its first training step.

    Its pruning algorithm runs if it has one. Masked parameters are zero. `layers` are the initial
    layers of the used neurons; None for those of the experiment. A ValueError if the method prunes
    in another phase, or as `starting_network`, `check_targets` and `first_network`.
    """
    method = method_named(experiment.method)
    if layers is None:
        layers = starting_network(experiment, inits, dataset.features, dataset.outputs)
    if not method.chooses_masks:
        weight_masks = explicit_masks(experiment, dataset.features, dataset.outputs)
        bias_masks = [np.ones(len(mask), dtype=np.bool_) for mask in weight_masks]
        return masked(Snapshot(layers, at_rest(layers), weight_masks, bias_masks))
    check_targets(experiment)
    # Imported late: torch takes seconds and 200 MB, which workers of a search do not need.
    import torch  # noqa: F401 - must be loaded before `method_call` sets its state

    prune = pruning_before(method)
    with method_call(method.name):
        pruned = prune(experiment, layers, pruning_batches(experiment, dataset))
    return first_network(method.name, layers, pruned)


def first_network(method: str, layers: Layers, start: Pruned) -> Snapshot:
    """Return a network before its first step under a method's masks.

    A ValueError if they do not fit.
    """
    check_masks(method, start.weight_masks, start.bias_masks, layers)
    masks = start.weight_masks, start.bias_masks
    return masked(Snapshot(layers, at_rest(layers), *masks, start.extras))


def masked(network: Snapshot) -> Snapshot:
    """Return a copy with masked parameters and velocities set to zero, even where they are NaN."""
    zero, masks = np.float32(0), (network.weight_masks, network.bias_masks)
    layers, velocities = (
        [
            (np.where(weight_mask, weight, zero), np.where(bias_mask, bias, zero))
            for (weight, bias), weight_mask, bias_mask in zip(arrays, *masks, strict=True)
        ]
        for arrays in (network.layers, network.velocities)
    )
    return Snapshot(layers, velocities, *masks, network.extras)


def check_targets(experiment: Experiment) -> None:
    """Raise a ValueError unless an experiment gives its method one target and no masks.

    The method must use the target.
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
    batch of a pass is left out. A ValueError if a batch is larger than the data set.
    """
    steps = dataset.steps_per_epoch(experiment.batch_size)
    order = np.empty(len(dataset), dtype=np.uint32)
    for epoch in count():
        permutation(experiment.seed("pruning"), epoch, order)
        for step in range(steps):
            first = step * experiment.batch_size
            yield batch_of(dataset, order[first : first + experiment.batch_size])


def batch_of(dataset: Dataset, points: NDArray[np.uint32]) -> Batch:
    """Return the points of these indices and their labels."""
    import torch

    # Copied into memory that torch aligns: alignment may decide the order of a sum.
    return torch.tensor(dataset.points[points]), torch.tensor(dataset.labels[points])
