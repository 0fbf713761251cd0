"""Training of one network in the sparse kernel, without the neurons that have nothing to train."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Snapshot
from search.layers import Layers
from workers.compact import kept_neurons, spread_counts
from workers.datasets import Dataset
from workers.kernel.measure import evaluate_networks
from workers.kernel.packing import pack_values, topology, unpack
from workers.kernel.sgd import scratch, train_steps
from workers.step_schedule import EpochSlice


class SparseNetwork:
    """A network in the kernel's representation.

    Args:
        network: network whose hidden neurons with a masked bias have no outgoing weight.

    Attributes:
        packed: its present state: the kept weights in the order of the masks, then the biases of
            the kept neurons.
    """

    def __init__(self, network: Snapshot) -> None:
        kept = kept_neurons(network.weight_masks, network.bias_masks)
        masks = zip(network.weight_masks, kept[:-1], kept[1:], strict=True)
        shape = topology([mask[rows][:, columns] for mask, columns, rows in masks])
        self._network = network
        self._kept = kept
        self.packed = pack_values([shape], [self._gathered(network.layers)])
        velocities = self._gathered(network.velocities)
        self.packed.velocities[: len(velocities)] = velocities

    def train(
        self,
        slices: Iterable[EpochSlice],
        dataset: Dataset,
        batch_size: int,
        momentum: float,
        weight_decay: float,
    ) -> None:
        """Train the network; see `workers.dense.train_dense` for the arguments."""
        memory = scratch(self.packed, dataset.features, batch_size)
        momenta = np.array([momentum], np.float32)
        decays = np.array([weight_decay], np.float32)
        for part in slices:
            train_steps(
                self.packed,
                dataset.points,
                dataset.labels,
                part.order,
                batch_size,
                part.first_step,
                part.last_step,
                np.array([part.rate], np.float32),
                momenta,
                decays,
                memory,
            )

    def evaluate(self, dataset: Dataset) -> tuple[float, float, list[int]]:
        """Return measurements over all points.

        Returns:
            (number of correctly classified points, sum of their losses, number of points at which
            each hidden neuron of the whole network is active, layer by layer).
        """
        found = evaluate_networks(self.packed, dataset)
        return found.hits[0], found.losses[0], spread_counts(found.active_points[0], self._kept)

    def snapshot(self) -> Snapshot:
        """Return the present state of the whole network."""
        masks = self._network.weight_masks, self._network.bias_masks
        moving = self.packed._replace(parameters=self.packed.velocities)
        return Snapshot(
            self._spread(*unpack(self.packed, 0)),
            self._spread(*unpack(moving, 0)),
            *masks,
        )

    def _spread(self, weights: NDArray[np.float32], biases: NDArray[np.float32]) -> Layers:
        """Return the kernel's numbers as layers of the whole network."""
        layers = []
        for mask, neurons in zip(self._network.weight_masks, self._kept[1:], strict=True):
            weight = np.zeros(mask.shape, np.float32)
            bias = np.zeros(neurons.shape, np.float32)
            edges, kept = np.count_nonzero(mask), np.count_nonzero(neurons)
            weight[mask], weights = weights[:edges], weights[edges:]
            bias[neurons], biases = biases[:kept], biases[kept:]
            layers.append((weight, bias))
        return layers

    def _gathered(self, layers: Layers) -> NDArray[np.float32]:
        """Return the numbers of a whole network in the kernel's order.

        The remaining neurons keep their order, so edges are in the order of the masks.
        """
        weights = [
            weight[mask]
            for (weight, _), mask in zip(layers, self._network.weight_masks, strict=True)
        ]
        biases = [bias[kept] for (_, bias), kept in zip(layers, self._kept[1:], strict=True)]
        return np.concatenate([*weights, *biases])
