"""Interfaces between pruning algorithms and training.

A method's phase decides what its module provides (`search.methods`):

- "before": `prune`, a `PrunesBefore`. It sees the initial network and draws batches, chooses the
  masks, and training follows under them.
- "during": `begin`, a `PrunesDuring`. It returns a `MaskSchedule`: the initial masks and a function
  that is called between training steps.

Algorithms do not know how training is done and draw no random numbers: batches come shuffled,
weights are drawn beforehand, and permutations are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layers

if TYPE_CHECKING:
    # Only for types: an algorithm that takes no gradients does without torch.
    import torch

Batch = tuple["torch.Tensor", "torch.Tensor"]
"""Points float32 [batch, inputs] and labels float32 [batch], 0 or 1."""

Batches = Iterator[Batch]
"""Without end: random, without replacement within a pass over the data set, as training draws."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """What an algorithm keeps.

    Attributes:
        weight_masks: bool [n_out, n_in] a layer, input side first; True where a weight is kept.
        bias_masks: bool [n_out] a layer, likewise.
    """

    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]


class PrunesBefore(Protocol):
    """The function `prune` of an algorithm that settles its masks before the first step."""

    def __call__(self, experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
        """Chooses the masks that the network is trained under.

        Args:
            experiment: gives `target_nnz` and what the algorithm uses of the training's settings.
            layers: the initial network, not changed.
            batches: drawn one at a time, as many as the algorithm needs.

        Raises:
            ValueError: `target_nnz` is missing, or is not from 1 to below the number of weights.
        """


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A whole network between two steps of its training.

    Attributes:
        layers: weights and biases as they are now, zero where they are masked.
        velocities: momentum buffers of the same shapes, zero where a parameter is masked.
        weight_masks: bool [n_out, n_in] a layer, input side first; True where a weight is trained.
        bias_masks: bool [n_out] a layer, likewise.
    """

    layers: Layers
    velocities: Layers
    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]


class MaskSchedule(Protocol):
    """How one network is pruned while it is trained."""

    @property
    def start(self) -> Pruned:
        """The masks of the first step."""

    @property
    def rounds(self) -> int:
        """Trainings, one after the other, of `Experiment.epochs` epochs and a schedule each."""

    @property
    def changes(self) -> Sequence[int]:
        """Steps, counted from 0 over all rounds and ascending, before which masks change."""

    @property
    def takes_step(self) -> bool:
        """Whether a change takes the place of the step: its batch is used up, nothing is learnt."""

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        """The network with its masks changed.

        Args:
            step: one of `changes`.
            network: as it is before that step; not changed.
            batch: the batch of that step, made when it is asked for.

        Returns:
            Parameters and velocities to go on with; what its masks leave out is not looked at.
        """


class PrunesDuring(Protocol):
    """The function `begin` of an algorithm that changes its masks between steps."""

    def __call__(
        self,
        experiment: Experiment,
        layers: Layers,
        steps: int,
        permutation: Callable[[int], NDArray[np.uint32]],
    ) -> MaskSchedule:
        """Prepares one network's mask schedule.

        Args:
            experiment: gives `target_nnz` and what the algorithm uses of the training's settings.
            layers: the initial network, not changed.
            steps: of one round.
            permutation: a random permutation of so many places, another one at every call.

        Raises:
            ValueError: `target_nnz` is missing or not from 1 to below the number of weights, or
                the training is too short for the algorithm's settings.
        """


def target_of(experiment: Experiment, weights: int) -> int:
    """The experiment's `target_nnz`.

    Args:
        experiment: of a pruning algorithm.
        weights: number of weights of its whole network.

    Raises:
        ValueError: it is missing, or is not from 1 to below the number of weights.
    """
    target = experiment.target_nnz
    if target is None or not 1 <= target < weights:
        raise ValueError(
            f"target_nnz {target} cannot be reached by method {experiment.method!r}: allowed are "
            f"1 to {weights - 1}, fewer than the {weights} weights of the network"
        )
    return target
