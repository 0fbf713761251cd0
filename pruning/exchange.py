"""Exchange: eliminate weights to the target, then regrow a few and eliminate as many, repeatedly.

Idea: elimination (`pruning.elimination`) is greedy, and a weight that it removed early may be worth
more than one that it kept. This method continues from its result by a local search, in the spirit
of dynamic sparse training (Mocanu et al. 2018; Evci et al., RigL, 2020), but it decides every
exchange by the loss after retraining:

1. Eliminate to `target_nnz` weights: stages 1 to 3 of elimination, shorter than there, and
   `retrain` epochs more.
2. In each of `rounds` rounds, make `proposals` copies of the best network so far. In each copy
   grow `grown` absent weights at random places between its neurons; with probability
   `REVIVAL` some of them connect a new neuron. Train for 2 `retrain` epochs at the experiment's
   learning rate. Remove the weight of least saliency and train for half of `retrain` epochs, until
   `target_nnz` weights are left. Train for `retrain` epochs, then for half as many at a fifth of
   the rate. The copy of least loss replaces the best network if its loss is less.
3. Train for `Experiment.epochs` epochs with the experiment's learning-rate schedule.

Saliencies and losses are those of a sample of `SAMPLE` points. Rates are `fine` times the
experiment's, except while grown weights are trained. Random numbers are those of the
experiment's stream "exchange" (`pruning.draws`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pruning.draws import Draw, uniform_draws
from pruning.elimination import Edge, ShrinkingNetwork, finish, remove_weights, sample_of, stages_to
from pruning.masks import bias_masks
from pruning.protocol import Measure, Requests, Segment, Snapshot, target_of
from pruning.saliency import Floats
from pruning.segments import at_rest, is_finite
from pruning.to_accuracy import number_of_weights
from search.experiment import Experiment
from search.layers import Layers, MaskArrays
from search.methods import setting

SAMPLE = 512
"""Maximum number of points that decide the exchanges: half of what elimination uses."""

REVIVAL = 0.3
"""Probability that a proposal connects a neuron without weights."""


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Eliminate and exchange weights; see `pruning.protocol.PrunesAdaptively`."""
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    sample = sample_of(measure.points, measure.labels, SAMPLE)
    draw = uniform_draws(experiment.seed("exchange"))
    network, step = yield from remove_weights(experiment, layers, measure, target, ShrinkingNetwork)
    retrain = round(setting(experiment, "retrain") * experiment.epochs * measure.steps_per_epoch)
    rate = experiment.lr * setting(experiment, "fine")
    network = yield Segment(network, step, step + retrain, rate)
    step += retrain
    for _ in range(int(setting(experiment, "rounds"))):
        if not is_finite(network) or not number_of_weights(network):
            break
        count = int(setting(experiment, "grown"))
        copies = [grown(network, count, draw) for _ in range(int(setting(experiment, "proposals")))]
        copies = yield [Segment(copy, step, step + 2 * retrain, experiment.lr) for copy in copies]
        step += 2 * retrain
        while larger := [
            copy for copy in copies if number_of_weights(copy) > target and is_finite(copy)
        ]:
            copies = [copy for copy in copies if number_of_weights(copy) <= target]
            fewer = [_with_one_less(copy, sample) for copy in larger]
            copies += yield [Segment(copy, step, step + retrain // 2, rate) for copy in fewer]
            step += retrain // 2
        for steps, factor in ((retrain, 1.0), (retrain // 2, 0.2)):
            copies = yield [Segment(copy, step, step + steps, rate * factor) for copy in copies]
            step += steps
        candidates = [network, *(copy for copy in copies if 0 < number_of_weights(copy) <= target)]
        network = min(candidates, key=lambda candidate: _loss(candidate, sample))
    return (yield from finish(experiment, network, measure, step))


def grown(network: Snapshot, count: int, draw: Draw) -> Snapshot:
    """Return the network with up to `count` more weights, and velocities of zero.

    In the given network every neuron with an outgoing weight has an incoming one.
    """
    layers = [(weight.copy(), bias.copy()) for weight, bias in network.layers]
    masks = [mask.copy() for mask in network.weight_masks]
    # Whether each unit has a value that varies: the inputs, then each layer's neurons.
    used: list[NDArray[np.bool_]] = [
        np.ones(masks[0].shape[1], np.bool_),
        *(np.asarray(mask.any(1)) for mask in masks),
    ]
    used[-1][:] = True
    if draw() < REVIVAL:
        count -= _revive(layers, masks, used, draw)
    absent: list[Edge] = [
        (layer, int(target), int(source))
        for layer, mask in enumerate(masks)
        for target, source in np.argwhere(~mask & np.outer(used[layer + 1], used[layer]))
    ]
    for _ in range(min(count, len(absent))):
        layer, target, source = absent.pop(int(draw() * len(absent)))
        masks[layer][target, source] = True
        layers[layer][0][target, source] = 0.3 * (draw() - 0.5)
    return Snapshot(layers, at_rest(layers), masks, bias_masks(masks))


def _revive(
    layers: Layers,
    masks: MaskArrays,
    used: MaskArrays,
    draw: Draw,
) -> int:
    """Connect an unused neuron of a random hidden layer, and return its number of weights."""
    layer = int(draw() * (len(masks) - 1))
    unused = np.flatnonzero(~used[layer + 1])
    sources = np.flatnonzero(used[layer]).tolist()
    targets = np.flatnonzero(used[layer + 2]).tolist()
    if not len(unused) or not sources or not targets:
        return 0
    neuron = unused[0]
    used[layer + 1][neuron] = True
    weight, bias = layers[layer]
    bias[neuron] = draw() - 0.5
    incoming = min(2, len(sources))
    for _ in range(incoming):
        source = sources.pop(int(draw() * len(sources)))
        masks[layer][neuron, source] = True
        weight[neuron, source] = 2 * draw() - 1
    target = targets[int(draw() * len(targets))]
    masks[layer + 1][target, neuron] = True
    layers[layer + 1][0][target, neuron] = draw() - 0.5
    return incoming + 1


def _with_one_less(network: Snapshot, sample: tuple[Floats, Floats]) -> Snapshot:
    """Return the network without its weight of least saliency."""
    pruned = ShrinkingNetwork(network, sample)
    pruned.remove(pruned.least(1, exact=True))
    return pruned.snapshot()


def _loss(network: Snapshot, sample: tuple[Floats, Floats]) -> float:
    """Return the mean loss over a sample of points, infinite for a diverged network."""
    return ShrinkingNetwork(network, sample).loss() if is_finite(network) else np.inf


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    target = target_of(experiment, weights)
    retrain = setting(experiment, "retrain")
    copies = setting(experiment, "rounds") * setting(experiment, "proposals")
    count = int(setting(experiment, "grown"))
    return [
        *stages_to(experiment, weights, target),
        (retrain, target),
        (2 * retrain * copies, target + count),
        *((retrain / 2 * copies, left) for left in range(target, target + count)),
        (1.5 * retrain * copies, target),
        (1.0, target),
    ]
