"""The fast trainer on one core.

The kernel trains networks with fixed masks and a common data order as a group. Networks whose masks
change during training, and wide dense ones, are trained one at a time (`workers.mask_schedule`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pruning.masks import Scheduled
from pruning.protocol import Pruned, Snapshot
from search.compilation import running_time
from search.experiment import Experiment
from search.layers import StoredInit
from search.methods import method_named
from workers.adaptive import train_adaptively
from workers.cost import network_cost, prefers_matrices
from workers.datasets import Dataset
from workers.kernel.measure import Evaluation
from workers.kernel.packing import PackedNetworks
from workers.kernel.sgd import scratch, train_steps
from workers.mask_schedule import mask_schedule_of, train_with_mask_schedule
from workers.sparse import SparseNetworks
from workers.start import start_of
from workers.step_schedule import StepSchedule, learning_rates
from workers.trained import Trained


def train_fast(
    experiments: Sequence[Experiment],
    dataset: Dataset,
    inits: Mapping[str, StoredInit],
    curves: bool = False,
) -> list[Trained]:
    """Train experiments of a data set on this core; return one result for each, in their order.

    Experiments of one data order, batch size and number of epochs are trained together. A network's
    result has the same bits whatever it is trained with. With `curves` they are also evaluated at
    the end of every epoch, except in methods that prune adaptively. For errors see
    `workers.train.train_batch`.
    """
    results: dict[int, Trained] = {}
    groups: dict[tuple[int, int, int], list[int]] = {}
    for i, experiment in enumerate(experiments):
        phase = method_named(experiment.method).phase(experiment)
        if phase == "adaptive":
            results[i] = train_adaptively(experiment, dataset, inits)
            continue
        if phase == "during":
            scheduled = mask_schedule_of(experiment, dataset, inits)
            results[i] = train_with_mask_schedule(experiment, dataset, *scheduled, curves=curves)
            continue
        key = (experiment.order_seed, experiment.batch_size, experiment.epochs)
        groups.setdefault(key, []).append(i)
    for members in groups.values():
        group = [experiments[i] for i in members]
        results.update(zip(members, _train_group(group, dataset, inits, curves), strict=True))
    return [results[i] for i in range(len(experiments))]


def _train_group(
    group: Sequence[Experiment],
    dataset: Dataset,
    inits: Mapping[str, StoredInit],
    curves: bool,
) -> list[Trained]:
    """Train experiments with one data order and with masks that are fixed before training."""
    results: dict[int, Trained] = {}
    together: dict[int, Snapshot] = {}
    prune_ms: dict[int, float] = {}
    for i, experiment in enumerate(group):
        started = running_time()
        start = start_of(experiment, dataset, inits)
        prune_ms[i] = 1000 * (running_time() - started)
        if prefers_matrices(start.weight_masks):
            fixed = Scheduled(Pruned(start.weight_masks, start.bias_masks, start.extras))
            alone = train_with_mask_schedule(
                experiment, dataset, start.layers, fixed, curves=curves
            )
            results[i] = replace(alone, train_ms=alone.train_ms + prune_ms[i])
        else:
            together[i] = start
    if together:
        members = [group[i] for i in together]
        shared = _train_together(members, list(together.values()), dataset, curves)
        for i, trained in zip(together, shared, strict=True):
            results[i] = replace(trained, train_ms=trained.train_ms + prune_ms[i])
    return [results[i] for i in range(len(group))]


def _train_together(
    group: Sequence[Experiment], starts: Sequence[Snapshot], dataset: Dataset, curves: bool
) -> list[Trained]:
    """Train networks of one data order in the kernel, a few batches of all of them at a time."""
    started = running_time()
    sparse = SparseNetworks(starts)
    measured: list[Evaluation] = []

    def measure() -> None:
        measured.append(sparse.evaluate(dataset))

    points = len(dataset)
    steps = group[0].epochs * dataset.steps_per_epoch(group[0].batch_size)
    train_networks(sparse.packed, group, dataset, after_epoch=measure if curves else None)
    measure()
    seconds = running_time() - started
    costs = np.array([network_cost(edges) for edges in sparse.packed.edges.tolist()])
    shares = 1000 * seconds * costs / costs.sum()
    *epochs, final = measured
    return [
        Trained.of(
            network.layers,
            final.hits[g] / points,
            final.losses[g] / points,
            weight_masks=network.weight_masks,
            bias_masks=network.bias_masks,
            train_ms=share,
            curve=[(e.hits[g] / points, e.losses[g] / points) for e in epochs],
            active_points=final.active_points[g].tolist(),
            steps=steps,
            extras=network.extras,
        )
        for g, (network, share) in enumerate(zip(sparse.snapshots(), shares.tolist(), strict=True))
    ]


def train_networks(
    networks: PackedNetworks,
    group: Sequence[Experiment],
    dataset: Dataset,
    steps: int | None = None,
    after_epoch: Callable[[], None] | None = None,
) -> None:
    """Train packed networks in place.

    The networks are packed in the order of `group`, experiments of one data order, batch size and
    number of epochs. Without `steps` they are trained to the end.
    """
    schedule, batch_size = StepSchedule(group[0], dataset), group[0].batch_size
    last = schedule.steps_per_round if steps is None else steps
    rates = np.stack([learning_rates(e.schedule, e.lr, e.epochs) for e in group])
    rates_by_epoch = np.ascontiguousarray(rates.T, dtype=np.float32)
    momenta = np.array([e.momentum for e in group], np.float32)
    decays = np.array([e.weight_decay for e in group], np.float32)
    memory = scratch(networks, dataset, batch_size)
    for part, epoch_rates in zip(schedule.slices(0, last), rates_by_epoch, strict=False):
        steps_of = part.order, part.first_step, part.last_step
        train_steps(networks, *steps_of, epoch_rates, momenta, decays, memory)
        if after_epoch is not None:
            after_epoch()
