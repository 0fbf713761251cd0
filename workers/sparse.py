"""Training of networks in the sparse kernel, without the neurons that have nothing to train."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Snapshot
from search.layers import Layers
from workers.compact import kept_neurons, spread_counts
from workers.datasets import Dataset
from workers.kernel.measure import evaluate_networks
from workers.kernel.networks import Networks
from workers.kernel.packing import pack_values, topology, unpack
from workers.kernel.sgd import scratch, train_steps
from workers.step_schedule import EpochSlice

Neurons = list[NDArray[np.bool_]]
"""Per layer, inputs first: bool [neurons], True where a neuron is in the kernel's network."""


class SparseNetworks:
    """Networks in the kernel's representation, trained on the same batches.

    A network's bits do not depend on the others.

    Args:
        networks: networks whose hidden neurons with a masked bias have no outgoing weight.

    Attributes:
        packed: their present states: of each the kept weights in the order of the masks, then the
            biases of the kept neurons.
    """

    def __init__(self, networks: Sequence[Snapshot]) -> None:
        self._networks = networks
        self._kept: list[Neurons] = []
        shapes, values, velocities = [], [], []
        for network in networks:
            kept = kept_neurons(network.weight_masks, network.bias_masks)
            masks = zip(network.weight_masks, kept[:-1], kept[1:], strict=True)
            shapes.append(topology([mask[rows][:, columns] for mask, columns, rows in masks]))
            values.append(_gathered(network, kept, network.layers))
            velocities.append(_gathered(network, kept, network.velocities))
            self._kept.append(kept)
        self.packed = pack_values(shapes, values)
        for start, moving in zip(self.packed.parameter_start, velocities, strict=True):
            self.packed.velocities[start : start + len(moving)] = moving

    def train(
        self,
        slices: Iterable[EpochSlice],
        dataset: Dataset,
        batch_size: int,
        momentum: float,
        weight_decay: float,
    ) -> None:
        """Train the networks; see `workers.dense.train_dense` for the arguments."""
        count = len(self._networks)
        memory = scratch(self.packed, dataset.features, batch_size)
        momenta = np.full(count, momentum, np.float32)
        decays = np.full(count, weight_decay, np.float32)
        for part in slices:
            train_steps(
                self.packed,
                dataset.points,
                dataset.labels,
                part.order,
                batch_size,
                part.first_step,
                part.last_step,
                np.full(count, part.rate, np.float32),
                momenta,
                decays,
                memory,
            )

    def snapshots(self) -> list[Snapshot]:
        """Return the present states of the whole networks."""
        moving = self.packed._replace(parameters=self.packed.velocities)
        return [
            Snapshot(
                _spread(network, kept, self.packed, g),
                _spread(network, kept, moving, g),
                network.weight_masks,
                network.bias_masks,
            )
            for g, (network, kept) in enumerate(zip(self._networks, self._kept, strict=True))
        ]


def evaluate(network: Snapshot, dataset: Dataset) -> tuple[float, float, list[int]]:
    """Return measurements of a network over all points.

    Returns:
        (number of correctly classified points, sum of their losses, number of points at which each
        hidden neuron of the whole network is active, layer by layer).
    """
    found = evaluate_networks(SparseNetworks([network]).packed, dataset)
    kept = kept_neurons(network.weight_masks, network.bias_masks)
    return found.hits[0], found.losses[0], spread_counts(found.active_points[0], kept)


def _spread(network: Snapshot, kept: Neurons, packed: Networks, g: int) -> Layers:
    """Return the kernel's numbers of network g as layers of the whole network."""
    weights, biases = unpack(packed, g)
    layers = []
    for mask, neurons in zip(network.weight_masks, kept[1:], strict=True):
        weight = np.zeros(mask.shape, np.float32)
        bias = np.zeros(neurons.shape, np.float32)
        edges, units = np.count_nonzero(mask), np.count_nonzero(neurons)
        weight[mask], weights = weights[:edges], weights[edges:]
        bias[neurons], biases = biases[:units], biases[units:]
        layers.append((weight, bias))
    return layers


def _gathered(network: Snapshot, kept: Neurons, layers: Layers) -> NDArray[np.float32]:
    """Return the numbers of a whole network in the kernel's order.

    The remaining neurons keep their order, so edges are in the order of the masks.
    """
    weights = [weight[mask] for (weight, _), mask in zip(layers, network.weight_masks, strict=True)]
    biases = [bias[neurons] for (_, bias), neurons in zip(layers, kept[1:], strict=True)]
    return np.concatenate([*weights, *biases])
