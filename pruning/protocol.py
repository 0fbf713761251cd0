"""Interfaces between pruning algorithms and training.

A method's phase decides what its module provides (`search.methods`):

- "before": `prune`, a `PrunesBefore`. It sees the initial network and draws batches, chooses the
  masks, and training follows under them.
- "during": `begin`, a `PrunesDuring`. It returns a `MaskSchedule`: the initial masks and a function
  that is called between training steps.
- "adaptive": `requests`, a `PrunesAdaptively`. It is a generator that requests segments of training
  and receives the trained networks, so that it decides by their outcome how to continue and when
  to stop.

Algorithms do not know how training is done and draw no random numbers: batches come shuffled,
weights are drawn beforehand, and permutations are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.experiment import Experiment
from search.layers import Layers

if TYPE_CHECKING:
    # Only for types: an algorithm without gradients does not need torch.
    import torch

Batch = tuple["torch.Tensor", "torch.Tensor"]
"""Points float32 [batch, inputs] and labels float32 [batch], class numbers."""

Batches = Iterator[Batch]
"""Endless random batches, without replacement within a pass over the data set, as in training."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """Masks of a network.

    Attributes:
        weight_masks: bool [n_out, n_in] for each layer, input side first; True keeps a weight.
        bias_masks: bool [n_out] for each layer; True keeps a bias.
        extras: what the method stores beside the row: JSON values by name, up to 10,000 characters.
    """

    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]
    extras: Mapping[str, Any] = field(default_factory=dict)


class PrunesBefore(Protocol):
    """The function `prune` of an algorithm that chooses its masks before the first step."""

    def __call__(self, experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
        """Return the masks for training.

        Args:
            experiment: experiment with `target_nnz` and the training settings.
            layers: initial network; not to be changed.
            batches: source of batches.

        Raises:
            ValueError: `target_nnz` is missing, or not from 1 to below the number of weights.
        """


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network between two training steps.

    Attributes:
        layers: current parameters, zero where masked.
        velocities: momentum buffers of the same shapes, zero where masked.
        weight_masks: bool [n_out, n_in] for each layer, input side first; True trains a weight.
        bias_masks: bool [n_out] for each layer; True trains a bias.
        extras: what the method stores beside the row, as in `Pruned`. Those of every change are
            kept; of an adaptive method those of its final network.
    """

    layers: Layers
    velocities: Layers
    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]
    extras: Mapping[str, Any] = field(default_factory=dict)


class MaskSchedule(Protocol):
    """The masks of one network in the course of its training."""

    @property
    def start(self) -> Pruned:
        """The masks of the first step."""

    @property
    def rounds(self) -> int:
        """Number of successive trainings, each of `Experiment.epochs` epochs with its schedule."""

    @property
    def changes(self) -> Sequence[int]:
        """Ascending steps, counted from 0 over all rounds, before which the masks change."""

    @property
    def takes_step(self) -> bool:
        """Whether a change replaces the training step, using up its batch."""

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        """Return the network with changed masks.

        Args:
            step: one of `changes`.
            network: network before that step; not to be changed.
            batch: function that makes the batch of that step.

        Returns:
            The network to continue with; masked parameters and velocities are ignored.
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
        """Return the mask schedule of one network.

        Args:
            experiment: experiment with `target_nnz` and the training settings.
            layers: initial network; not to be changed.
            steps: number of steps of one round.
            permutation: function that returns a new random permutation of 0 to n - 1, given n.

        Raises:
            ValueError: `target_nnz` is missing or not from 1 to below the number of weights, or
                the training has too few steps for the algorithm's settings.
        """


Free = Sequence[NDArray[np.float32]]
"""Free parameters: float32 arrays of any shapes."""


@dataclass(frozen=True, eq=False)
class Objective:
    """Weights as a function of free parameters, which are trained in their place.

    The free parameters take the steps of SGD with the experiment's momentum and data order, and the
    biases those of any training.

    Attributes:
        free: free parameters, trained in place.
        weights: function of `free` that returns the weights of the network, float32 [weights],
            layer by layer, each row-major. Masked ones are zero whatever it returns.
        gradient: function of `free` and of the loss's derivative in every weight, float32
            [weights] and 0 where masked, that returns the gradient of the loss and of any penalty
            in the free parameters: arrays of the same shapes. It is called after `weights` with
            the same values.
        decay: weight decay of each free parameter; None for the experiment's.
        velocities: momentum buffers of the free parameters, trained in place; zero at first.
    """

    free: Free
    weights: Callable[[Free], NDArray[np.float32]]
    gradient: Callable[[Free, NDArray[np.float32]], Free]
    decay: Sequence[float] | None = None
    velocities: Free = ()

    def __post_init__(self) -> None:
        if not self.velocities:
            object.__setattr__(self, "velocities", [np.zeros_like(array) for array in self.free])


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment of training that an adaptive algorithm requests.

    Attributes:
        network: network to train; masked parameters and velocities are ignored.
        first_step: first step, which decides the batches; steps are counted from 0 across epochs,
            and the order of the points never ends.
        last_step: end of the segment, exclusive. Segments may overlap, for example to train two
            candidates on the same batches.
        rate: learning rate.
        objective: free parameters to train in place of the weights; None trains the weights. The
            weights of `network` and their velocities are then ignored; those of the trained
            network are the objective's, with velocities of zero.
    """

    network: Snapshot
    first_step: int
    last_step: int
    rate: float
    objective: Objective | None = None


@dataclass(frozen=True)
class Measurement:
    """A network's performance on all points of a data set.

    Attributes:
        accuracy: fraction of points that are classified correctly.
        loss: mean cross-entropy, in nats.
    """

    accuracy: float
    loss: float


class Measure(Protocol):
    """The data set of an adaptive algorithm, and the measurement of networks on it."""

    @property
    def points(self) -> NDArray[np.float32]:
        """All points to train on, float32 [N, features]; not to be changed."""

    @property
    def labels(self) -> NDArray[np.float32]:
        """Their labels, float32 [N], class numbers; not to be changed."""

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps in an epoch."""

    @property
    def learning_rates(self) -> Sequence[float]:
        """The experiment's learning rate in each of its `Experiment.epochs` epochs."""

    def __call__(self, network: Snapshot) -> Measurement:
        """Measure a network whose masked parameters are zero, as trained networks are."""

    def validation(self, network: Snapshot) -> Measurement:
        """Measure a network on the points for choices between networks.

        If the method has `Method.validates`, or the experiment a `target_accuracy` on a data set
        with a test split, these are a tenth of the points, the same for every experiment of a data
        set, which are held out from training and are not among `points`. Otherwise they are
        `points`: such a data set is one to fit, not to generalise from.
        """


Requests = Generator[Segment | list[Segment], Any, Snapshot]
"""An adaptive algorithm: it yields a segment and receives the trained network, or yields
a list of segments, which are trained together if their steps and rates are equal, and receives the
list of their networks. It returns the final network."""


class PrunesAdaptively(Protocol):
    """The function `requests` of an algorithm that requests training as it proceeds."""

    def __call__(self, experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        """Yield segments of training, receive the trained networks, and return the final network.

        Args:
            experiment: experiment with the training settings, and `target_nnz` if the method
                uses it.
            layers: initial network; not to be changed.
            measure: the data set.

        Raises:
            ValueError: the experiment's settings are impossible.
        """


def target_of(experiment: Experiment, weights: int) -> int:
    """Return the experiment's `target_nnz`.

    Args:
        experiment: experiment of a pruning algorithm.
        weights: number of weights of the whole network.

    Raises:
        ValueError: it is missing, or not from 1 to below the number of weights.
    """
    target = experiment.target_nnz
    if target is None or not 1 <= target < weights:
        raise ValueError(
            f"target_nnz {target} is impossible for method {experiment.method!r}; allowed: 1 to "
            f"{weights - 1}, less than the {weights} weights of the network"
        )
    return target
