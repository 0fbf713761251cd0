"""Training of networks in the sparse kernel, without the neurons that have nothing to train.

In a network of width 256 with 65 weights left, these are most of the neurons. The others keep their
order, so weights and biases are trained and summed in the order of the whole network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Snapshot
from search.layers import Layers, by_layer
from workers.datasets import Dataset
from workers.kernel.measure import Evaluation, evaluate_networks
from workers.kernel.packing import Topology, pack_values, topology
from workers.kernel.sgd import scratch, train_steps
from workers.step_schedule import StepSchedule


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
        self._shapes, self._places = zip(*map(_topology_of, networks), strict=True)
        moving = list(zip(networks, self._places, strict=True))
        self.packed = pack_values(self._shapes, [_gathered(n.layers, at) for n, at in moving])
        for start, (network, at) in zip(self.packed.parameter_start, moving, strict=True):
            self.packed.velocities[start : start + len(at)] = _gathered(network.velocities, at)

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
        for counts, network, shape in zip(
            found.active_points, self._networks, self._shapes, strict=True
        ):
            whole = np.zeros(sum(map(len, network.bias_masks[:-1])), np.int64)
            whole[shape.neurons[: shape.hidden]] = counts
            active_points.append(whole)
        return found._replace(active_points=active_points)

    def losses(self, dataset: Dataset) -> list[float]:
        """Return the summed loss of each network over all points."""
        return evaluate_networks(self.packed, dataset, losses_only=True).losses

    def snapshots(self) -> list[Snapshot]:
        """Return the present states of the whole networks."""
        packed = self.packed
        members = zip(self._networks, self._places, packed.parameter_start, strict=True)
        return [
            replace(
                network,
                layers=_spread(network, at, packed.parameters[start : start + len(at)]),
                velocities=_spread(network, at, packed.velocities[start : start + len(at)]),
            )
            for network, at, start in members
        ]


def evaluate(network: Snapshot, dataset: Dataset) -> tuple[float, float, list[int]]:
    """Return accuracy and mean loss of a network over all points, and its `active_points`.

    These are the number of points at which each hidden neuron of the whole network is active, layer
    by layer.
    """
    found, points = SparseNetworks([network]).evaluate(dataset), len(dataset)
    return found.hits[0] / points, found.losses[0] / points, found.active_points[0].tolist()


def _topology_of(network: Snapshot) -> tuple[Topology, NDArray[np.int64]]:
    """Return a network's topology, and the index of each of its numbers in the whole network.

    The whole network has all weights, all biases, and a zero, which stands for masked biases.
    """
    masks = [*network.weight_masks, *network.bias_masks]
    return _topology(b"".join([mask.tobytes() for mask in masks]), *[mask.shape for mask in masks])


@lru_cache(maxsize=8)
def _topology(kept: bytes, *shapes: tuple[int, ...]) -> tuple[Topology, NDArray[np.int64]]:
    # A network is trained in several segments and measured in between.
    masks = by_layer(np.frombuffer(kept, np.bool_), shapes)
    weight_masks, bias_masks = masks[: len(masks) // 2], masks[len(masks) // 2 :]
    shape, biased = topology(weight_masks, bias_masks), np.concatenate(bias_masks)
    zero, weights = len(kept), len(kept) - len(biased)
    # The remaining neurons keep their order, so edges are in the order of the masks.
    biases = np.where(biased[shape.neurons], weights + shape.neurons, zero)
    return shape, np.concatenate([shape.flat, biases])


def _gathered(layers: Layers, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the numbers of a whole network in the kernel's order, zero for masked biases."""
    weights, biases = zip(*layers, strict=True)
    parts = [*(weight.ravel() for weight in weights), *biases, np.zeros(1, np.float32)]
    return np.concatenate(parts)[places]


def _spread(network: Snapshot, places: NDArray[np.int64], values: NDArray[np.float32]) -> Layers:
    """Return the kernel's numbers of a network as layers of the whole network."""
    masks = [*network.weight_masks, *network.bias_masks]
    whole = np.zeros(sum(mask.size for mask in masks) + 1, np.float32)
    whole[places] = values
    arrays = by_layer(whole[:-1], [mask.shape for mask in masks])
    return list(zip(arrays[: len(arrays) // 2], arrays[len(arrays) // 2 :], strict=True))
