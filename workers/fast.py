"""The fast trainer on one core: groups of networks that share a data order, through the kernel."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pruning.given import given_masks
from search.experiment import Experiment
from workers.cost import network_cost
from workers.datasets import Dataset
from workers.initial import Layers, StoredInit, starting_network
from workers.kernel import BATCHES_AT_ONCE, Networks, evaluate, gather, train_steps
from workers.orders import permutation
from workers.packing import Topology, pack, topology, unpacked
from workers.schedules import learning_rates
from workers.simd import BLOCK, INSTRUCTION_SET, LANES, aligned_zeros
from workers.trained import Trained

BACKEND = f"numba-{INSTRUCTION_SET}"
"""What `backend` says of a result: rows of one backend are the same bits wherever they are made."""


def train_fast(
    experiments: Sequence[Experiment], dataset: Dataset, inits: Mapping[str, StoredInit]
) -> list[Trained]:
    """Trains experiments with method "search" on this core.

    Experiments of one data order, batch size and number of epochs are trained together. A
    network's result is the same bits whatever it is trained with.

    Args:
        experiments: any, in any order, all of `dataset`.
        dataset: what to train and to measure on.
        inits: stored initialisations by their token.

    Returns:
        One result an experiment, in the order given.

    Raises:
        ValueError: a mask does not fit, a batch is larger than the data set, or an initialisation
            is missing.
    """
    groups: dict[tuple[int, int, int], list[int]] = {}
    for place, experiment in enumerate(experiments):
        key = (experiment.order_seed, experiment.batch_size, experiment.epochs)
        groups.setdefault(key, []).append(place)
    results: dict[int, Trained] = {}
    for places in groups.values():
        group = [experiments[place] for place in places]
        results.update(zip(places, _train_group(group, dataset, inits), strict=True))
    return [results[place] for place in range(len(experiments))]


def _train_group(
    group: Sequence[Experiment], dataset: Dataset, inits: Mapping[str, StoredInit]
) -> list[Trained]:
    start = time.perf_counter()
    inputs = dataset.features
    topologies = [topology(given_masks(experiment, inputs)) for experiment in group]
    networks = pack(topologies, [starting_network(e, inits, inputs) for e in group])
    workspace = aligned_zeros((max(t.hidden for t in topologies) + 1) * BLOCK)
    train_networks(networks, group, dataset, workspace)
    losses, hits = evaluate_networks(networks, dataset, workspace)
    seconds = time.perf_counter() - start
    costs = np.array([network_cost(len(t.flat)) for t in topologies])
    shares = 1000 * seconds * costs / costs.sum()
    return [
        Trained(_layers(networks, g, t), hits[g] / len(dataset), losses[g] / len(dataset), share)
        for g, (t, share) in enumerate(zip(topologies, shares, strict=True))
    ]


def train_networks(
    networks: Networks,
    group: Sequence[Experiment],
    dataset: Dataset,
    workspace: NDArray[np.float32],
    steps: int | None = None,
) -> None:
    """Trains packed networks in place through all their epochs, or for so many steps.

    Args:
        networks: packed in the order of `group`.
        group: experiments of one data order, batch size and number of epochs.
        dataset: what to train on.
        workspace: float32 [(hidden neurons + 1) * BLOCK], aligned, for the largest network.
        steps: stop after so many optimiser steps; None for all of the training.

    Raises:
        ValueError: not even one batch fits the data set.
    """
    first = group[0]
    steps_an_epoch = dataset.steps_per_epoch(first.batch_size)
    remaining = first.epochs * steps_an_epoch if steps is None else steps
    rates = np.stack([learning_rates(e.schedule, e.lr, e.epochs) for e in group])
    rates_by_epoch = np.ascontiguousarray(rates.T, dtype=np.float32)
    momenta = np.array([e.momentum for e in group], np.float32)
    decays = np.array([e.weight_decay for e in group], np.float32)
    blocks = -(-first.batch_size // BLOCK)
    rows = aligned_zeros(BATCHES_AT_ONCE * blocks * (dataset.features + 2) * BLOCK)
    gradient = aligned_zeros(2 * int(networks.parameter_count.max()) * LANES)
    order = np.empty(len(dataset), np.uint32)
    for epoch in range(first.epochs):
        now = min(remaining, steps_an_epoch)
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
            rows,
            workspace,
            gradient,
        )
        remaining -= now


def evaluate_networks(
    networks: Networks, dataset: Dataset, workspace: NDArray[np.float32]
) -> tuple[list[float], list[float]]:
    """Sum of the loss and number of correct predictions over all points, a network each."""
    rows = _all_points(dataset)
    blocks = -(-len(dataset) // BLOCK)
    losses = np.zeros(len(networks.edges))
    hits = np.zeros(len(networks.edges))
    sums = aligned_zeros(2 * LANES)
    evaluate(networks, dataset.features, rows, blocks, workspace, sums, losses, hits)
    return losses.tolist(), hits.tolist()


@lru_cache(maxsize=4)
def _all_points(dataset: Dataset) -> NDArray[np.float32]:
    """All points of a data set as the kernel reads them, each with weight 1."""
    blocks = -(-len(dataset) // BLOCK)
    rows = aligned_zeros(blocks * (dataset.features + 2) * BLOCK)
    order = np.arange(len(dataset), dtype=np.uint32)
    gather(dataset.points, dataset.labels, order, 0, len(dataset), np.float32(1), rows)
    return rows


def _layers(networks: Networks, g: int, shape: Topology) -> Layers:
    """Network g as matrices, masked weights zero."""
    weights, biases = unpacked(networks, g)
    places = list(zip(shape.sizes[:-1], shape.sizes[1:], strict=True))
    flat = np.zeros(sum(n_in * n_out for n_in, n_out in places), np.float32)
    flat[shape.flat] = weights
    layers: Layers = []
    for n_in, n_out in places:
        weight, flat = flat[: n_in * n_out].reshape(n_out, n_in), flat[n_in * n_out :]
        bias, biases = biases[:n_out], biases[n_out:]
        layers.append((weight, bias))
    return layers
