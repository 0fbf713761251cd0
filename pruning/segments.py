"""Building blocks of methods that request segments of training or train free parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pruning.masks import full_masks, masks_of
from pruning.protocol import Measure, Objective, Requests, Segment, Snapshot
from search.experiment import Experiment
from search.layers import Layers, by_layer
from search.methods import setting


def dense_network(layers: Layers) -> Snapshot:
    """Return a network without masks and with velocities of zero.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> network = sparsest.dense_network(layers)
        >>> network.weight_masks[0].tolist(), network.velocities[0][0].tolist()
        ([[True, True]], [[0.0, 0.0]])
    """
    masks = full_masks(layers)
    return Snapshot(layers, at_rest(layers), masks.weight_masks, masks.bias_masks)


def at_rest(layers: Layers) -> Layers:
    """Return zeros in the shapes of layers."""
    return [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]


def is_finite(network: Snapshot) -> bool:
    """Return whether all parameters are finite; a diverged network is not worth pruning."""
    return all(np.isfinite(w).all() and np.isfinite(b).all() for w, b in network.layers)


def flat_weights(layers: Layers) -> NDArray[np.float32]:
    """Return a copy of all weights, float32 [weights], layer by layer, each row-major.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> sparsest.flat_weights(layers).tolist()
        [2.0, -1.0]
    """
    return np.concatenate([weight.ravel() for weight, _ in layers])


def with_weights(network: Snapshot, weights: NDArray[np.float32]) -> Snapshot:
    """Return a network with other weights, float32 [weights]; zeros become masked.

    A hidden neuron's bias is masked if no weight leaves the neuron. Velocities become zero.

    Example:
        >>> import numpy as np, sparsest
        >>> layers = [(np.array([[2.0, -1.0]], np.float32), np.zeros(1, np.float32))]
        >>> network = sparsest.dense_network(layers)
        >>> pruned = sparsest.with_weights(network, np.array([2.0, 0.0], np.float32))
        >>> pruned.weight_masks[0].tolist()
        [[True, False]]
    """
    split = by_layer(weights, [weight.shape for weight, _ in network.layers])
    layers = [(weight, bias) for weight, (_, bias) in zip(split, network.layers, strict=True)]
    masks = masks_of(weights != 0, layers)
    return Snapshot(layers, at_rest(layers), masks.weight_masks, masks.bias_masks)


def train_rounds(
    network: Snapshot,
    measure: Measure,
    first_step: int = 0,
    rounds: float = 1.0,
    objective: Objective | None = None,
    rate_factor: float = 1.0,
) -> Requests:
    """Train with the experiment's learning-rate schedule, from a first step that starts an epoch.

    The length is a multiple, `rounds`, of `Experiment.epochs`; the schedule is stretched or
    squeezed, and multiplied by `rate_factor`. For `objective` see `Segment`.

    Example:
        >>> import sparsest
        >>> def requests(experiment, layers, measure):
        ...     dense = sparsest.dense_network(layers)
        ...     network = yield from sparsest.train_rounds(dense, measure)
        ...     last = experiment.epochs * measure.steps_per_epoch
        ...     return (yield from sparsest.train_rounds(network, measure, last, rounds=0.5))
        >>> method = sparsest.Method("longer", "adaptive", sparsest.WITHOUT_TARGET)
        >>> sparsest.register(method, requests)
        >>> sparsest.train("longer", width=4, epochs=2).df().steps.tolist() == [3 * 390]
        True
    """
    rates = measure.learning_rates
    epochs = round(rounds * len(rates))
    for epoch in range(epochs):
        step = first_step + epoch * measure.steps_per_epoch
        rate = rates[epoch * len(rates) // epochs] * rate_factor
        network = yield Segment(network, step, step + measure.steps_per_epoch, rate, objective)
    return network


def finetune(
    experiment: Experiment, network: Snapshot, weights: NDArray[np.float32], measure: Measure
) -> Requests:
    """Remove the weights that are zero and train the others for the setting `finetune`.

    The experiment's method has the setting `finetune`, a multiple of `Experiment.epochs`. Of the
    network after one round of training only the biases are used; weights are float32 [weights].
    """
    pruned = with_weights(network, weights)
    last = len(measure.learning_rates) * measure.steps_per_epoch
    rounds = float(setting(experiment, "finetune"))
    return (yield from train_rounds(pruned, measure, last, rounds))


def finetune_stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """Return the stages of one round and `finetune`; see `pruning.registry.stages_of`.

    A quarter of the weights is assumed to be left, which the method decides in the training.
    """
    return [(1.0, weights), (float(setting(experiment, "finetune")), weights // 4)]


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)), float32 in the shape of x."""
    return np.float32(1) / (np.float32(1) + np.exp(-x))
