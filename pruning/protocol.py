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

    Example:
        >>> import numpy as np, sparsest
        >>> masks = [np.array([[True, False], [False, False]]), np.array([[True, False]])]
        >>> pruned = sparsest.Pruned(masks, sparsest.bias_masks(masks), extras={"rounds": 3})
        >>> [mask.tolist() for mask in pruned.bias_masks]
        [[True, False], [True]]
    """

    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]
    extras: Mapping[str, Any] = field(default_factory=dict)


class PrunesBefore(Protocol):
    """The function `prune` of an algorithm that chooses its masks before the first step.

    Example:
        >>> import numpy as np, sparsest
        >>> def prune(
        ...     experiment: sparsest.Experiment, layers: sparsest.Layers, batches: sparsest.Batches
        ... ) -> sparsest.Pruned:
        ...     magnitudes = np.abs(sparsest.flat_weights(layers))
        ...     kept = sparsest.highest(magnitudes, sparsest.target_of(experiment, magnitudes.size))
        ...     masks = sparsest.by_layer(kept, [weight.shape for weight, _ in layers])
        ...     return sparsest.Pruned(masks, sparsest.bias_masks(masks))
        >>> sparsest.register(sparsest.Method("magnitude", "before", sparsest.TO_TARGET), prune)
        >>> sparsest.train("magnitude", width=4, target_nnz=20, epochs=1).df().weight_nnz.tolist()
        [20]
    """

    def __call__(self, experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
        """Return the masks for training; the initial network, `layers`, is not to be changed.

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

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> network = sparsest.dense_network(layers)
        >>> largest = sparsest.keep_largest(network.layers, 2)
        >>> pruned = sparsest.Snapshot(
        ...     network.layers, network.velocities, largest.weight_masks, largest.bias_masks
        ... )
        >>> pruned.weight_masks[0].tolist()
        [[True, False]]
    """

    layers: Layers
    velocities: Layers
    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]
    extras: Mapping[str, Any] = field(default_factory=dict)


class MaskSchedule(Protocol):
    """The masks of one network in the course of its training.

    Example:
        >>> import sparsest
        >>> class Late:
        ...     # Keep the largest weights from the middle of the training.
        ...     rounds, takes_step = 1, False
        ...
        ...     def __init__(self, experiment, layers, steps, permutation):
        ...         weights = sparsest.flat_weights(layers).size
        ...         self.target = sparsest.target_of(experiment, weights)
        ...         self.start, self.changes = sparsest.full_masks(layers), [steps // 2]
        ...
        ...     def change(self, step, network, batch):
        ...         kept = sparsest.keep_largest(network.layers, self.target + 1)
        ...         return sparsest.Snapshot(
        ...             network.layers, network.velocities, kept.weight_masks, kept.bias_masks
        ...         )
        >>> sparsest.register(sparsest.Method("late", "during", sparsest.TO_TARGET), Late)
        >>> sparsest.train("late", width=4, target_nnz=20, epochs=1).df().weight_nnz.tolist()
        [20]
    """

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
        """Return the network to continue with; masked parameters and velocities are ignored.

        `step` is one of `changes`; the network before it is not to be changed; `batch` makes the
        batch of that step.
        """


Permute = Callable[[int], NDArray[np.uint32]]
"""Function that returns a new random permutation of 0 to n - 1, given n."""


class PrunesDuring(Protocol):
    """The function `begin` of an algorithm that changes its masks between steps.

    Example:
        >>> import sparsest
        >>> from types import SimpleNamespace
        >>> def begin(experiment, layers, steps, permutation):
        ...     def change(step, network, batch):
        ...         return sparsest.with_weights(network, sparsest.flat_weights(network.layers))
        ...     return SimpleNamespace(
        ...         start=sparsest.keep_largest(layers, sparsest.target_of(experiment, 99) + 1),
        ...         rounds=1,
        ...         changes=[steps // 2],
        ...         takes_step=False,
        ...         change=change,
        ...     )
        >>> sparsest.register(sparsest.Method("restarted", "during", sparsest.TO_TARGET), begin)
        >>> sparsest.train("restarted", width=4, target_nnz=20, epochs=1).df().weight_nnz.tolist()
        [20]
    """

    def __call__(
        self, experiment: Experiment, layers: Layers, steps: int, permutation: Permute
    ) -> MaskSchedule:
        """Return the mask schedule of one network, whose initial `layers` are not to be changed.

        `steps` is the number of steps of one round.

        Raises:
            ValueError: `target_nnz` is missing or not from 1 to below the number of weights, or the
                training has too few steps for the algorithm's settings.
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

    Example:
        >>> import numpy as np, sparsest
        >>> def squares(free):
        ...     return free[0] * np.abs(free[0])
        >>> def gradient(free, slopes):
        ...     return [2 * slopes * np.abs(free[0])]
        >>> def requests(experiment, layers, measure):
        ...     weights = sparsest.flat_weights(layers)
        ...     free = [np.sign(weights) * np.sqrt(np.abs(weights))]
        ...     objective = sparsest.Objective(free, squares, gradient, decay=[1e-3])
        ...     network = sparsest.dense_network(layers)
        ...     return (yield from sparsest.train_rounds(network, measure, objective=objective))
        >>> method = sparsest.Method("roots", "adaptive", sparsest.WITHOUT_TARGET)
        >>> sparsest.register(method, requests)
        >>> sparsest.train("roots", width=4, epochs=1).df().weight_nnz.tolist()
        [44]
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

    Example:
        >>> import sparsest
        >>> def requests(experiment, layers, measure):
        ...     network, steps = sparsest.dense_network(layers), measure.steps_per_epoch
        ...     # Two learning rates on the same batches; the better network is kept.
        ...     rates = (experiment.lr, experiment.lr / 2)
        ...     trained = yield [sparsest.Segment(network, 0, steps, rate) for rate in rates]
        ...     return min(trained, key=lambda one: measure(one).loss)
        >>> method = sparsest.Method("better", "adaptive", sparsest.WITHOUT_TARGET)
        >>> sparsest.register(method, requests)
        >>> sparsest.train("better", width=4, epochs=1).df().weight_nnz.tolist()
        [44]
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

    Example:
        >>> import sparsest
        >>> measured = []
        >>> def requests(experiment, layers, measure):
        ...     network = sparsest.dense_network(layers)
        ...     measured.append(measure(network))
        ...     return (yield from sparsest.train_rounds(network, measure))
        >>> method = sparsest.Method("dense", "adaptive", sparsest.WITHOUT_TARGET)
        >>> sparsest.register(method, requests)
        >>> after = sparsest.train("dense", width=4, epochs=1).df()
        >>> isinstance(measured[0], sparsest.Measurement), [measured[0].loss] > after.loss.tolist()
        (True, True)
    """

    accuracy: float
    loss: float


class Measure(Protocol):
    """The data set of an adaptive algorithm, and the measurement of networks on it.

    Example:
        >>> import numpy as np, sparsest
        >>> def requests(experiment, layers, measure):
        ...     dense = sparsest.dense_network(layers)
        ...     network = yield from sparsest.train_rounds(dense, measure)
        ...     weights, loss = sparsest.flat_weights(network.layers), measure(network).loss
        ...     # Remove the smallest weights while the loss grows by less than 1 %.
        ...     for smallest in np.sort(np.abs(weights)):
        ...         large = np.where(np.abs(weights) > smallest, weights, np.float32(0))
        ...         pruned = sparsest.with_weights(network, large)
        ...         if measure(pruned).loss > 1.01 * loss:
        ...             return network
        ...         network = pruned
        >>> method = sparsest.Method("greedy", "adaptive", sparsest.WITHOUT_TARGET)
        >>> sparsest.register(method, requests)
        >>> sparsest.train("greedy", width=4, epochs=1).df().weight_nnz.tolist() < [44]
        True
    """

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

    def losses(self, networks: Sequence[Snapshot]) -> list[float]:
        """Return `Measurement.loss` of several networks, faster than one by one."""

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
    """The function `requests` of an algorithm that requests training as it proceeds.

    Example:
        >>> import numpy as np, sparsest
        >>> def requests(experiment, layers, measure):
        ...     dense = sparsest.dense_network(layers)
        ...     network = yield from sparsest.train_rounds(dense, measure)
        ...     weights = sparsest.flat_weights(network.layers)
        ...     kept = sparsest.highest(abs(weights), sparsest.target_of(experiment, weights.size))
        ...     return sparsest.with_weights(network, np.where(kept, weights, np.float32(0)))
        >>> method = sparsest.Method("afterwards", "adaptive", sparsest.TO_TARGET)
        >>> sparsest.register(method, requests)
        >>> sparsest.train("afterwards", width=4, target_nnz=20, epochs=1).df().weight_nnz.tolist()
        [20]
    """

    def __call__(self, experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
        """Yield segments of training, receive the trained networks, and return the final network.

        The initial network, `layers`, is not to be changed; `measure` is the data set.

        Raises:
            ValueError: the experiment's settings are impossible.
        """


def target_of(experiment: Experiment, weights: int) -> int:
    """Return the experiment's `target_nnz`, given the number of weights of the whole network.

    Raises:
        ValueError: it is missing, or not from 1 to below the number of weights.

    Example:
        >>> import sparsest
        >>> sparsest.target_of(sparsest.Experiment(method="snip", width=4, target_nnz=20), 44)
        20
    """
    target = experiment.target_nnz
    if target is None or not 1 <= target < weights:
        raise ValueError(
            f"target_nnz {target} is impossible for method {experiment.method!r}; allowed: 1 to "
            f"{weights - 1}, less than the {weights} weights of the network"
        )
    return target
