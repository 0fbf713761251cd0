"""One network on its own: segments of training, with changes of its masks between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Batch, Layers, MaskSchedule, Pruned, Snapshot
from pruning.registry import method_named, pruning_during
from pruning.validation import check_masks, check_snapshot
from search.experiment import Experiment
from workers.cost import prefers_matrices
from workers.datasets import Dataset
from workers.initial import StoredInit, starting_network
from workers.legs import Road
from workers.orders import permutation
from workers.sparse import SparseNetwork
from workers.start import Start, masked_layers
from workers.trained import Trained


@dataclass(frozen=True)
class Unchanging:
    """The `pruning.protocol.MaskSchedule` of a network whose masks are settled before training."""

    start: Pruned
    rounds: int = 1
    changes: Sequence[int] = ()
    takes_step: bool = False

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        """Never called: there are no changes."""
        return network


def course_of(
    experiment: Experiment, dataset: Dataset, inits: Mapping[str, StoredInit]
) -> tuple[Layers, MaskSchedule]:
    """The initial network and the course of an experiment that prunes during training.

    Args:
        experiment: of such a method.
        dataset: what will be trained on.
        inits: stored initialisations by their token.

    Raises:
        ValueError: as `pruning.protocol.PrunesDuring`, masks are given, an initialisation is
            missing, or a batch is larger than the data set.
    """
    if experiment.masks:
        raise ValueError(f"method {experiment.method!r} chooses its masks itself: none are given")
    layers = starting_network(experiment, inits, dataset.features)
    numbers = count()

    def draw(size: int) -> NDArray[np.uint32]:
        out = np.empty(size, np.uint32)
        permutation(experiment.seed("mask"), next(numbers), out)
        return out

    steps = experiment.epochs * dataset.steps_per_epoch(experiment.batch_size)
    begin = pruning_during(method_named(experiment.method))
    return layers, begin(experiment, layers, steps, draw)


def train_course(
    experiment: Experiment,
    dataset: Dataset,
    layers: Layers,
    course: MaskSchedule,
    *,
    steps: int | None = None,
    curves: bool = False,
) -> Trained:
    """Trains one network along its course (docs/paper.md, sections 3 and 5).

    Between two changes the sparse kernel or, while the network is wide and dense, matrix products
    train it (`workers.cost.prefers_matrices`); which of them depends on the masks alone.

    Args:
        experiment: what to train.
        dataset: what to train and to measure on.
        layers: the initial network, not changed.
        course: when and how its masks change.
        steps: stop after so many steps of all rounds; None for all of the training.
        curves: measure at the end of every epoch too.

    Raises:
        ValueError: masks or a network that the course gives do not fit.
    """
    # Imported here: torch takes seconds and 200 MB that a worker of the search does not need.
    from workers.pruning_batches import one_thread

    begun = time.perf_counter()
    road = Road(experiment, dataset)
    last = course.rounds * road.steps_a_round if steps is None else steps
    marks = range(road.steps_an_epoch, last + 1, road.steps_an_epoch) if curves else range(0)
    changes = set(course.changes)
    still = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
    first = course.start
    check_masks(experiment.method, first.weight_masks, first.bias_masks, layers)
    network = _masked(Snapshot(layers, still, first.weight_masks, first.bias_masks))
    measured: list[tuple[float, float]] = []
    position = 0
    with one_thread():
        for stop in sorted({step for step in (*changes, *marks, last) if step <= last}):
            network = _advance(network, experiment, dataset, road, position, stop)
            position = stop
            if stop in marks:
                measured.append(_measured(network, dataset))
            if stop in changes and not _is_finite(network):
                # It has diverged for good. To go on could hide it: NaN is of no magnitude, so the
                # next mask may leave it out, and LTH would begin again.
                break
            if stop in changes and stop < last:
                batch = _batch_at(road, dataset, stop)
                changed = course.change(stop, network, batch)
                check_snapshot(experiment.method, changed, layers)
                network = _masked(changed)
                position += course.takes_step
    accuracy, loss = _measured(network, dataset)
    return Trained.of(
        list(network.layers),
        accuracy,
        loss,
        weight_masks=network.weight_masks,
        bias_masks=network.bias_masks,
        train_ms=1000 * (time.perf_counter() - begun),
        curve=measured,
    )


def _masked(network: Snapshot) -> Snapshot:
    """The network with what its masks leave out at zero."""
    masks = network.weight_masks, network.bias_masks
    return Snapshot(
        masked_layers(network.layers, *masks), masked_layers(network.velocities, *masks), *masks
    )


def _advance(
    network: Snapshot,
    experiment: Experiment,
    dataset: Dataset,
    road: Road,
    first: int,
    last: int,
) -> Snapshot:
    """The network after the steps from `first` to before `last`."""
    if first >= last:
        return network
    settings = (experiment.batch_size, experiment.momentum, experiment.weight_decay)
    if prefers_matrices(network.weight_masks):
        # Imported here, as above.
        from workers.dense import train_dense

        return train_dense(network, road.legs(first, last), dataset, *settings)
    sparse = SparseNetwork(network)
    sparse.train(road.legs(first, last), dataset, *settings)
    return sparse.snapshot()


def _is_finite(network: Snapshot) -> bool:
    return all(np.isfinite(w).all() and np.isfinite(b).all() for w, b in network.layers)


def _measured(network: Snapshot, dataset: Dataset) -> tuple[float, float]:
    """Accuracy and mean loss over all points."""
    hits, loss = SparseNetwork(network).evaluate(dataset)
    return hits / len(dataset), loss / len(dataset)


def _batch_at(road: Road, dataset: Dataset, step: int) -> Callable[[], Batch]:
    """Makes the batch of a step when it is asked for."""

    def batch() -> Batch:
        import torch

        places = road.batch(step)
        # Copied to memory that torch aligns: how numbers lie may decide how they are summed.
        return torch.tensor(dataset.points[places]), torch.tensor(dataset.labels[places])

    return batch


def start_course(start: Start) -> tuple[Layers, MaskSchedule]:
    """The initial network and the course of one whose masks are settled."""
    return start.layers, Unchanging(Pruned(start.weight_masks, start.bias_masks))
