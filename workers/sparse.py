"""Training of networks in the sparse kernel, without the neurons that have nothing to train.

In a network of width 256 with 65 weights left, these are most of the neurons. The others keep their
order, so weights and biases are trained and summed in the order of the whole network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Snapshot
from search.layers import Layers, MaskArrays, spread
from workers.datasets import Dataset
from workers.kernel.measure import Evaluation, evaluate_networks
from workers.kernel.packing import PackedNetworks, pack_values, topology, unpack
from workers.kernel.sgd import scratch, train_steps
from workers.step_schedule import StepSchedule

Neurons = list[NDArray[np.bool_]]
"""Per layer, inputs first: bool [neurons], True where a neuron is in the kernel's network."""


class SparseNetworks:
    """Networks in the kernel's representation, trained on the same batches.

    A network's bits do not depend on the others. Hidden neurons with a masked bias must have no
    outgoing weight.

    Attributes:
        packed: their current states: for each network the kept weights in the order of the masks,
            then the biases of the kept neurons.
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
        self, schedule: StepSchedule, first: int, last: int, rate: float | None = None
    ) -> None:
        """Train the networks; see `workers.dense.train_dense` for the arguments."""
        experiment, count = schedule.experiment, len(self._networks)
        memory = scratch(self.packed, schedule.dataset, experiment.batch_size)
        momenta = np.full(count, experiment.momentum, np.float32)
        decays = np.full(count, experiment.weight_decay, np.float32)
        for part in schedule.slices(first, last, rate):
            steps = part.order, part.first_step, part.last_step
            rates = np.full(count, part.rate, np.float32)
            train_steps(self.packed, *steps, rates, momenta, decays, memory)

    def evaluate(self, dataset: Dataset) -> Evaluation:
        """Measure the networks over all points, with the active points of whole networks."""
        found = evaluate_networks(self.packed, dataset)
        active_points = []
        for counts, kept in zip(found.active_points, self._kept, strict=True):
            neurons = np.concatenate(kept[1:-1])
            whole = np.zeros(len(neurons), np.int64)
            whole[neurons] = counts
            active_points.append(whole)
        return found._replace(active_points=active_points)

    def snapshots(self) -> list[Snapshot]:
        """Return the present states of the whole networks."""
        moving = self.packed._replace(parameters=self.packed.velocities)
        return [
            replace(
                network,
                layers=_spread(network, kept, self.packed, g),
                velocities=_spread(network, kept, moving, g),
            )
            for g, (network, kept) in enumerate(zip(self._networks, self._kept, strict=True))
        ]


def evaluate(network: Snapshot, dataset: Dataset) -> tuple[float, float, list[int]]:
    """Return accuracy and mean loss of a network over all points, and its `active_points`.

    These are the number of points at which each hidden neuron of the whole network is active, layer
    by layer.
    """
    found, points = SparseNetworks([network]).evaluate(dataset), len(dataset)
    return found.hits[0] / points, found.losses[0] / points, found.active_points[0].tolist()


def kept_neurons(weight_masks: MaskArrays, bias_masks: MaskArrays) -> list[NDArray[np.bool_]]:
    """Return which inputs (all) and neurons of each layer have something to train, bool [neurons].

    The others are hidden neurons without incoming weight and without bias. The kernel trains every
    bias of the remaining neurons. A masked one stays zero nonetheless: no weight leaves its neuron,
    so neither a gradient nor weight decay changes it. A ValueError if a neuron with a masked bias
    has an outgoing weight.
    """
    kept: list[NDArray[np.bool_]] = [np.ones(weight_masks[0].shape[1], dtype=np.bool_)]
    for layer, bias_mask in enumerate(bias_masks[:-1]):
        if (weight_masks[layer + 1].any(axis=0) & ~bias_mask).any():
            raise ValueError(
                f"hidden layer {layer}: a neuron with a masked bias has an outgoing weight, "
                "which the kernel cannot train"
            )
        kept.append(weight_masks[layer].any(axis=1) | bias_mask)
    if not bias_masks[-1].all():
        raise ValueError("an output's bias is masked, which the kernel cannot train")
    kept.append(bias_masks[-1])
    return kept


def _spread(network: Snapshot, kept: Neurons, packed: PackedNetworks, g: int) -> Layers:
    """Return the kernel's numbers of network g as layers of the whole network."""
    weights, biases = unpack(packed, g)
    arrays = spread(network.weight_masks, weights), spread(kept[1:], biases)
    return list(zip(*arrays, strict=True))


def _gathered(network: Snapshot, kept: Neurons, layers: Layers) -> NDArray[np.float32]:
    """Return the numbers of a whole network in the kernel's order, zero for masked biases.

    The remaining neurons keep their order, so edges are in the order of the masks.
    """
    weights = [weight[mask] for (weight, _), mask in zip(layers, network.weight_masks, strict=True)]
    biases = [
        np.where(mask, bias, np.float32(0))[neurons]
        for (_, bias), mask, neurons in zip(layers, network.bias_masks, kept[1:], strict=True)
    ]
    return np.concatenate([*weights, *biases])
