"""The fast trainer on one core.

The kernel trains networks with fixed masks and a common data order as a group. Networks whose masks
change during training, and wide dense ones, are trained one at a time (`workers.mask_schedule`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from search.experiment import Experiment
from search.layers import StoredInit
from search.methods import method_named
from workers.adaptive import train_adaptively
from workers.compact import compacted, kept_neurons, spread_counts
from workers.cost import network_cost, prefers_matrices
from workers.datasets import Dataset
from workers.kernel.measure import Evaluation, evaluate_networks
from workers.kernel.networks import Networks
from workers.kernel.packing import pack, topology, unpack
from workers.kernel.sgd import scratch, train_steps
from workers.mask_schedule import fixed_masks, mask_schedule_of, train_with_mask_schedule
from workers.orders import permutation
from workers.schedules import learning_rates
from workers.start import Start, start_of
from workers.trained import Trained, mask_indices


def train_fast(
    experiments: Sequence[Experiment],
    dataset: Dataset,
    inits: Mapping[str, StoredInit],
    curves: bool = False,
) -> list[Trained]:
    """Train experiments on this core.

    Experiments of one data order, batch size and number of epochs are trained together. A
    network's result has the same bits whatever it is trained with.

    Args:
        experiments: experiments of `dataset`, in any order.
        dataset: data set for training and evaluation.
        inits: stored initialisations by token.
        curves: also evaluate at the end of every epoch, except in methods that prune adaptively.

    Returns:
        One result per experiment, in the order given.

    Raises:
        ValueError: a mask or a target does not fit, a batch is larger than the data set, or an
            initialisation is missing.
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
    together: dict[int, Start] = {}
    prune_ms: dict[int, float] = {}
    for i, experiment in enumerate(group):
        started = time.perf_counter()
        start = start_of(experiment, dataset, inits)
        prune_ms[i] = 1000 * (time.perf_counter() - started)
        if prefers_matrices(start.weight_masks):
            alone = train_with_mask_schedule(
                experiment, dataset, *fixed_masks(start), curves=curves
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
    group: Sequence[Experiment], starts: Sequence[Start], dataset: Dataset, curves: bool
) -> list[Trained]:
    """Train networks of one data order in the kernel, a few batches of all of them at a time."""
    started = time.perf_counter()
    compact = [compacted(start) for start in starts]
    topologies = [topology(start.weight_masks) for start in compact]
    networks = pack(topologies, [start.layers for start in compact])
    measured: list[Evaluation] = []

    def measure() -> None:
        measured.append(evaluate_networks(networks, dataset))

    steps = group[0].epochs * dataset.steps_per_epoch(group[0].batch_size)
    train_networks(networks, group, dataset, after_epoch=measure if curves else None)
    measure()
    seconds = time.perf_counter() - started
    costs = np.array([network_cost(len(t.flat)) for t in topologies])
    shares = 1000 * seconds * costs / costs.sum()
    *epochs, final = measured
    return [
        replace(
            trained_network(
                networks, g, start, small, final.losses[g], final.hits[g], len(dataset), share
            ),
            steps=steps,
            edge_updates=steps * sum(int(np.count_nonzero(m)) for m in start.weight_masks),
            extras=start.extras,
            curve=[(e.hits[g] / len(dataset), e.losses[g] / len(dataset)) for e in epochs],
            active_points=spread_counts(
                final.active_points[g], kept_neurons(start.weight_masks, start.bias_masks)
            ),
        )
        for g, (start, small, share) in enumerate(
            zip(starts, compact, shares.tolist(), strict=True)
        )
    ]


def trained_network(
    networks: Networks,
    g: int,
    start: Start,
    small: Start,
    loss: float,
    hits: float,
    points: int,
    train_ms: float,
) -> Trained:
    """Return packed network g as part of the whole network that it was made from.

    Args:
        networks: packed networks after training.
        g: number of the network among them.
        start: the whole network before training.
        small: the network as it was packed, see `compacted`.
        loss: sum of the losses of all points.
        hits: number of correctly classified points.
        points: number of points.
        train_ms: this network's share of the training time, in milliseconds.
    """
    weights, biases = unpack(networks, g)
    return Trained(
        sizes=(start.weight_masks[0].shape[1], *(len(mask) for mask in start.bias_masks)),
        weight_index=mask_indices(start.weight_masks),
        weights=weights,
        bias_index=mask_indices(start.bias_masks),
        biases=biases[np.concatenate(small.bias_masks)],
        accuracy=hits / points,
        loss=loss / points,
        train_ms=train_ms,
    )


def train_networks(
    networks: Networks,
    group: Sequence[Experiment],
    dataset: Dataset,
    steps: int | None = None,
    after_epoch: Callable[[], None] | None = None,
) -> None:
    """Train packed networks in place.

    Args:
        networks: networks packed in the order of `group`.
        group: experiments of one data order, batch size and number of epochs.
        dataset: data set to train on.
        steps: number of optimiser steps to train; None trains to the end.
        after_epoch: function called at the end of every epoch.

    Raises:
        ValueError: the batch size exceeds the data set.
    """
    first = group[0]
    steps_per_epoch = dataset.steps_per_epoch(first.batch_size)
    remaining = first.epochs * steps_per_epoch if steps is None else steps
    rates = np.stack([learning_rates(e.schedule, e.lr, e.epochs) for e in group])
    rates_by_epoch = np.ascontiguousarray(rates.T, dtype=np.float32)
    momenta = np.array([e.momentum for e in group], np.float32)
    decays = np.array([e.weight_decay for e in group], np.float32)
    memory = scratch(networks, dataset.features, first.batch_size)
    order = np.empty(len(dataset), np.uint32)
    for epoch in range(first.epochs):
        now = min(remaining, steps_per_epoch)
        if now == 0:
            break
        permutation(first.order_seed, epoch, order)
        train_steps(
            networks,
            dataset.points,
            dataset.labels,
            order,
            first.batch_size,
            0,
            now,
            rates_by_epoch[epoch],
            momenta,
            decays,
            memory,
        )
        remaining -= now
        if after_epoch is not None:
            after_epoch()
