"""Training of a single network whose masks may change between segments of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Batch, MaskSchedule, PrunesDuring, Snapshot
from pruning.registry import algorithm, plugin_guard
from pruning.segments import is_finite
from pruning.validation import check_snapshot
from search.compilation import running_time
from search.experiment import Experiment
from search.layers import Layers, StoredInit, count_kept
from search.methods import method_named
from search.process_state import standard_state
from workers.cost import prefers_matrices
from workers.datasets import Dataset
from workers.initial import starting_network
from workers.orders import permutation
from workers.sparse import SparseNetworks, evaluate
from workers.start import batch_of, check_targets, first_network, masked, method_call
from workers.step_schedule import StepSchedule
from workers.trained import Trained


def mask_schedule_of(
    experiment: Experiment, dataset: Dataset, inits: Mapping[str, StoredInit]
) -> tuple[Layers, MaskSchedule]:
    """Return the initial network and the mask schedule of an experiment.

    Errors are those of `starting_network`, `check_targets` and `pruning.protocol.PrunesDuring`.
    """
    check_targets(experiment)
    layers = starting_network(experiment, inits, dataset.features, dataset.outputs)
    numbers = count()

    def draw(size: int) -> NDArray[np.uint32]:
        out = np.empty(size, np.uint32)
        permutation(experiment.seed("mask"), next(numbers), out)
        return out

    steps = experiment.epochs * dataset.steps_per_epoch(experiment.batch_size)
    begin: PrunesDuring = algorithm(method_named(experiment.method), "during")
    with method_call(experiment.method):
        return layers, begin(experiment, layers, steps, draw)


def train_with_mask_schedule(
    experiment: Experiment,
    dataset: Dataset,
    layers: Layers,
    mask_schedule: MaskSchedule,
    *,
    steps: int | None = None,
    curves: bool = False,
) -> Trained:
    """Train one network, changing its masks as scheduled (docs/paper.md, sections 3 and 5).

    Each segment between two changes runs in the sparse kernel or, while the network is wide and
    dense, as matrix products. `workers.cost.prefers_matrices` chooses by the masks alone. `steps`
    counts those of all rounds; None trains to the end. With `curves` the network is also evaluated
    at the end of every epoch. A ValueError if what the schedule returns does not fit `layers`.
    """
    # Imported late: torch takes seconds and 200 MB, which workers of a search do not need.
    import torch  # noqa: F401 - must be loaded before `standard_state` sets its state

    started = running_time()
    method = experiment.method
    schedule = StepSchedule(experiment, dataset)
    last = mask_schedule.rounds * schedule.steps_per_round if steps is None else steps
    epoch = schedule.steps_per_epoch
    epoch_ends = range(epoch, last + 1, epoch) if curves else range(0)
    changes = set(mask_schedule.changes)
    network = first_network(method, layers, mask_schedule.start)
    curve: list[tuple[float, float]] = []
    cost, extras = Cost(), dict(network.extras)
    position = 0
    with standard_state():
        for stop in sorted({step for step in (*changes, *epoch_ends, last) if step <= last}):
            network = advance(network, schedule, position, stop)
            cost.add(network, stop - position)
            position = stop
            if stop in epoch_ends:
                accuracy, loss, _ = evaluate(network, dataset)
                curve.append((accuracy, loss))
            if stop in changes and not is_finite(network):
                # Diverged for good. Continuing could hide it: NaN has no magnitude, so the next
                # mask might drop it, and LTH would rewind to finite weights.
                break
            if stop in changes and stop < last:
                batch = partial(_batch_at, schedule, stop)
                with plugin_guard(method):
                    changed = mask_schedule.change(stop, network, batch)
                check_snapshot(method, changed, layers)
                network = masked(changed)
                extras |= changed.extras
                position += mask_schedule.takes_step
    return result_of(network, dataset, started, cost, extras, curve)


@dataclass
class Cost:
    """Cost of a training so far.

    Attributes:
        steps: number of optimiser steps.
        edge_updates: sum over these steps of the number of unmasked weights.
    """

    steps: int = 0
    edge_updates: int = 0

    def add(self, network: Snapshot, steps: int) -> None:
        """Count the steps of a segment of training."""
        self.steps += steps
        self.edge_updates += steps * count_kept(network.weight_masks)


def result_of(
    network: Snapshot,
    dataset: Dataset,
    started: float,
    cost: Cost,
    extras: Mapping[str, Any],
    curve: Sequence[tuple[float, float]] = (),
) -> Trained:
    """Evaluate a trained network and return it as a result.

    `started` is `running_time()` before the training; masked parameters are zero.
    """
    accuracy, loss, active_points = evaluate(network, dataset)
    return Trained.of(
        list(network.layers),
        accuracy,
        loss,
        weight_masks=network.weight_masks,
        bias_masks=network.bias_masks,
        train_ms=1000 * (running_time() - started),
        curve=curve,
        active_points=active_points,
        steps=cost.steps,
        edge_updates=cost.edge_updates,
        extras=extras,
    )


def advance(
    network: Snapshot, schedule: StepSchedule, first: int, last: int, rate: float | None = None
) -> Snapshot:
    """Return the network after training the steps in [first, last) at this or the usual rate."""
    if first >= last:
        return network
    if prefers_matrices(network.weight_masks):
        # Imported late, like torch itself.
        from workers.dense import train_dense

        return train_dense(network, schedule, first, last, rate)
    (trained,) = advance_together([network], schedule, first, last, rate)
    return trained


def advance_together(
    networks: Sequence[Snapshot],
    schedule: StepSchedule,
    first: int,
    last: int,
    rate: float | None = None,
) -> list[Snapshot]:
    """Return networks after training them in the sparse kernel on the same batches.

    See `advance`; a network's bits do not depend on the others.
    """
    sparse = SparseNetworks(networks)
    sparse.train(schedule, first, last, rate)
    return sparse.snapshots()


def _batch_at(schedule: StepSchedule, step: int) -> Batch:
    return batch_of(schedule.dataset, schedule.batch(step))
