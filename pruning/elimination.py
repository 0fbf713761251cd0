"""Elimination: remove weights one at a time, by the loss after retraining without them.

Idea: optimal brain damage (LeCun et al. 1989) and optimal brain surgeon (Hassibi and Stork 1992)
remove the weight whose removal increases the loss least, to second order. In networks of a few
dozen weights the increase can be computed exactly, the removal can be compensated exactly in the
mean, and the few best candidates can be retrained before one is chosen. What is new here is this
combination: exact saliency with mean compensation, then a choice by the retrained loss.

The saliency of a weight is the loss without it over a fixed sample of the points. Networks of more
than twice `exact_below` weights use its second-order expansion (`pruning.saliency`).

1. Train the dense network for `dense` epochs.
2. In `EVENTS` equal parts of `shrink` epochs, remove the weights of least saliency, so that their
   number falls geometrically to `exact_below`. Saliencies are computed again after at most 2 % of
   the weights, 10 % while they are approximate.
3. Until `target_nnz` weights are left: remove each of the `candidates` weights of least saliency in
   turn, train each of these networks for `retrain` epochs on the same batches, and continue with
   the one of least loss over all points.
4. Train for `Experiment.epochs` epochs with the experiment's learning-rate schedule.

`dense`, `shrink` and `retrain` are multiples of `Experiment.epochs`. Stages 1 and 2 use the
experiment's learning rate, stages 3 and 4 `fine` times it. After each removal a neuron without
outgoing weights loses its incoming ones, and a neuron without incoming weights is folded into the
biases of the next layer. Every kept weight then lies on a path from an input to the output, and
fewer than `target_nnz` weights can remain.

With `target_accuracy`, stage 3 ends after more than `PATIENCE` removals in a row below the
accuracy, those of stage 2 included. Stage 4 is then tried with the networks of stages 3 and 2, the
sparsest first, until one keeps the accuracy. If none does, the one with most weights is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from copy import copy
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pruning.masks import bias_masks
from pruning.protocol import Measure, Requests, Segment, Snapshot, target_of
from pruning.saliency import Floats, Unrolled
from pruning.segments import dense_network, is_finite, train_rounds
from pruning.to_accuracy import ASSUMED_LEFT, keeps, number_of_weights
from search.compilation import compiled
from search.experiment import Experiment
from search.layers import Layers, MaskArrays, by_layer
from search.methods import setting

PATIENCE = 10
"""Maximum number of removals below `target_accuracy` in a row, each measured before stage 4."""

EVENTS = 40
"""Number of removals of stage 2."""

SAMPLE = 1024
"""Maximum number of points in the sample of the saliency."""

MAX_SHIFT = 0.05
"""Maximum difference between a class's share of the sample and of all points."""

Edge = tuple[int, int, int]
"""Layer, target neuron and source of a weight."""

Removal = Sequence[Edge]
"""Weights that are removed together."""


class ShrinkingNetwork:
    """A network from which weights are removed, in float64.

    Args:
        snapshot: the network; not changed.
        sample: points float64 [points, features] and labels float64 [points] that decide
            saliencies and means.
    """

    def __init__(self, snapshot: Snapshot, sample: tuple[Floats, Floats]) -> None:
        weights, biases = zip(*snapshot.layers, strict=True)
        self._shapes = [mask.shape for mask in snapshot.weight_masks]
        self._sizes = np.array([self._shapes[0][1], *(shape[0] for shape in self._shapes)])
        self._kept = np.concatenate([mask.ravel() for mask in snapshot.weight_masks])
        self._weights = np.concatenate([w.ravel() for w in weights], dtype=np.float64)
        self._biases = np.concatenate(biases, dtype=np.float64)
        self._velocities = snapshot.velocities
        self._sample = sample
        self._unrolled: Unrolled | None = None

    def copy(self) -> Self:
        """Return a copy, which shares the activations until a weight is removed."""
        other = copy(self)
        other._kept = self._kept.copy()
        other._weights, other._biases = self._weights.copy(), self._biases.copy()
        return other

    @property
    def weights(self) -> int:
        """Number of kept weights."""
        return int(np.count_nonzero(self._kept))

    @property
    def masks(self) -> MaskArrays:
        """The masks of the weights; not to be changed."""
        return by_layer(self._kept, self._shapes)

    def snapshot(self) -> Snapshot:
        """Return the network in the form in which it is trained."""
        masks = by_layer(self._kept.copy(), self._shapes)
        weights = by_layer(self._weights.astype(np.float32), self._shapes)
        biases = by_layer(self._biases.astype(np.float32), [shape[:1] for shape in self._shapes])
        layers = list(zip(weights, biases, strict=True))
        return Snapshot(layers, self._velocities, masks, bias_masks(masks))

    def portion(self, *, exact: bool) -> int:
        """Return the number of removals after which saliencies are computed again."""
        return max(1, int(self.weights * (0.02 if exact else 0.1)))

    def removals(self, count: int, *, exact: bool) -> Sequence[Removal]:
        """Return up to `count` removals of least cost, the least first."""
        return [[edge] for edge in self.least(count, exact=exact)]

    def least(self, count: int, *, exact: bool) -> list[Edge]:
        """Return the weights of least saliency, the least first; ties in the order of layers."""
        unrolled = self._activations()
        saliencies = unrolled.losses(count) if exact else unrolled.expansions()
        edges = []
        for index in unrolled.places[np.argsort(saliencies, kind="stable")[:count]].tolist():
            for layer, (n_out, n_in) in enumerate(self._shapes):
                if index < n_out * n_in:
                    edges.append((layer, *divmod(index, n_in)))
                    break
                index -= n_out * n_in
        return edges

    def remove(self, edges: Iterable[Edge]) -> None:
        """Remove weights with mean compensation, then everything on no path to the output."""
        removed, means = np.array(list(edges), np.int64).reshape(-1, 3), self._activations().means
        _remove(removed, means, *self._parameters())
        self._unrolled = None

    def loss(self) -> float:
        """Return the mean loss over the sample."""
        return self._activations().loss()

    def _parameters(self) -> tuple[NDArray[np.bool_], Floats, Floats, NDArray[np.int64]]:
        """Return masks, weights, biases and sizes as `Unrolled` and `fold` take them."""
        return self._kept, self._weights, self._biases, self._sizes

    def _activations(self) -> Unrolled:
        """Return the unrolled network; made again after a removal only."""
        if self._unrolled is None:
            self._unrolled = Unrolled(*self._parameters(), *self._sample)
        return self._unrolled


Shrinking = Callable[[Snapshot, tuple[Floats, Floats]], ShrinkingNetwork]
"""Makes a `ShrinkingNetwork` of a network and a sample."""


@compiled
def _remove(edges, means, kept, weights, biases, sizes):  # type: ignore[no-untyped-def]
    """Remove weights, int64 [removed, 3], with mean compensation; see `fold` for the arrays.

    `means` are those of all neurons, float64 [neurons].
    """
    for e in range(len(edges)):
        layer, target, source = edges[e]
        index = target * sizes[layer] + source
        for before in range(layer):
            index += sizes[before] * sizes[before + 1]
            target += sizes[before + 1]
            source += sizes[before]
        biases[target] += weights[index] * means[source]
        weights[index] = 0.0
        kept[index] = False
    fold(kept, weights, biases, sizes)


@compiled
def fold(kept, weights, biases, sizes):  # type: ignore[no-untyped-def]
    """Remove hidden neurons without outgoing weights, and those without incoming ones.

    The latter are constant and are added to the next biases. The arrays are bool and float64
    [weights], float64 [neurons without inputs], and int64 [layers], inputs included.
    """
    changed = True
    while changed:
        changed = False
        start = neuron = 0
        for layer in range(1, len(sizes) - 1):
            n_in, n, n_out = sizes[layer - 1], sizes[layer], sizes[layer + 1]
            after = start + n_in * n
            for m in range(n):
                row = start + m * n_in
                entered = kept[row : row + n_in].any()
                left = False
                for target in range(n_out):
                    left = left or kept[after + target * n + m]
                if entered and not left:
                    kept[row : row + n_in] = False
                    weights[row : row + n_in] = 0.0
                    changed = True
                if left and not entered:
                    value = 0.0 if biases[neuron + m] < 0.0 else biases[neuron + m]
                    for target in range(n_out):
                        edge = after + target * n + m
                        biases[neuron + n + target] += value * weights[edge]
                        kept[edge] = False
                        weights[edge] = 0.0
                    changed = True
            start = after
            neuron += n


def requests(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Eliminate weights; see `pruning.protocol.PrunesAdaptively`."""
    if experiment.target_accuracy is not None:
        return _to_accuracy(experiment, layers, measure)
    target = target_of(experiment, sum(weight.size for weight, _ in layers))
    return eliminate(experiment, layers, measure, target, ShrinkingNetwork)


def _to_accuracy(experiment: Experiment, layers: Layers, measure: Measure) -> Requests:
    """Eliminate as far as the accuracy is kept."""
    passed: list[tuple[Snapshot, int]] = []
    misses = 0

    def visit(network: Snapshot, step: int) -> bool:
        nonlocal misses
        passed.append((network, step))
        misses = 0 if keeps(experiment, network, measure) else misses + 1
        few = number_of_weights(network) <= setting(experiment, "exact_below")
        return few and misses > PATIENCE

    network, _ = yield from remove_weights(experiment, layers, measure, 1, ShrinkingNetwork, visit)
    for candidate, step in reversed(passed):
        network = yield from finish(experiment, candidate, measure, step)
        if keeps(experiment, network, measure):
            break
    return network


def eliminate(
    experiment: Experiment,
    layers: Layers,
    measure: Measure,
    target: int,
    shrinking: Shrinking,
) -> Requests:
    """Eliminate in all four stages, with the removals that a kind of network proposes."""
    network, step = yield from remove_weights(experiment, layers, measure, target, shrinking)
    return (yield from finish(experiment, network, measure, step))


def remove_weights(
    experiment: Experiment,
    layers: Layers,
    measure: Measure,
    target: int,
    shrinking: Shrinking,
    visit: Callable[[Snapshot, int], bool] = lambda network, step: False,
) -> Generator[Segment | list[Segment], Any, tuple[Snapshot, int]]:
    """Return the network of at most `target` weights after stages 1 to 3, and the next step.

    Args:
        experiment: the training.
        layers: initial network.
        measure: the data set.
        target: number of weights to leave.
        shrinking: makes the network that proposes removals.
        visit: called with every network after a removal and its training, and the next step;
            returns whether stage 3 ends.
    """
    sample = sample_of(measure.points, measure.labels)
    steps = {
        stage: round(setting(experiment, stage) * experiment.epochs * measure.steps_per_epoch)
        for stage in ("dense", "shrink", "retrain")
    }
    exact_below = max(target, int(setting(experiment, "exact_below")))
    candidates = int(setting(experiment, "candidates"))
    rate = experiment.lr * setting(experiment, "fine")

    step = steps["dense"]
    network = yield Segment(dense_network(layers), 0, step, experiment.lr)

    weights, done = sum(weight.size for weight, _ in layers), False
    for event in range(1, EVENTS + 1):
        if not is_finite(network):
            return network, step
        count = round(weights * min(1, exact_below / weights) ** (event / EVENTS))
        shrunk = _shrunk(shrinking(network, sample), count, exact_below)
        last = steps["dense"] + steps["shrink"] * event // EVENTS
        network = yield Segment(shrunk, step, last, experiment.lr)
        step = last
        done = visit(network, step)
    while (
        not done and is_finite(network) and (pruned := shrinking(network, sample)).weights > target
    ):
        segments = []
        for removal in pruned.removals(candidates, exact=True):
            candidate = pruned.copy()
            candidate.remove(removal)
            if candidate.weights:
                snapshot = candidate.snapshot()
                segments.append(Segment(snapshot, step, step + steps["retrain"], rate))
        if not segments:
            # Without any of these candidates the output would be constant. Another weight might be
            # removed, but trying more of them would change networks that have been published.
            break
        network = _best(measure, (yield segments))
        step += steps["retrain"]
        done = visit(network, step)
    return network, step


def finish(experiment: Experiment, network: Snapshot, measure: Measure, step: int) -> Requests:
    """Train for stage 4, which starts with a step."""
    return train_rounds(network, measure, step, rate_factor=setting(experiment, "fine"))


def _shrunk(network: ShrinkingNetwork, count: int, exact_below: int) -> Snapshot:
    """Return the network after removing weights until at most `count` are left."""
    while (weights := network.weights) > count:
        exact = weights <= 2 * exact_below
        portion = min(network.portion(exact=exact), weights - count)
        network.remove(chain.from_iterable(network.removals(portion, exact=exact)))
    return network.snapshot()


def sample_of(
    points: NDArray[np.float32], labels: NDArray[np.float32], size: int = SAMPLE
) -> tuple[Floats, Floats]:
    """Return at most `size` equally spaced points float64 [points, features] and their labels.

    The distance is the smallest at which the share of each class differs by at most `MAX_SHIFT`
    from its share of all points: where labels alternate, every second point has the same label.

    Args:
        points: float32 [N, features].
        labels: float32 [N], class numbers from 0.
        size: maximum number of points.
    """
    shares = np.bincount(labels.astype(np.intp)) / len(labels)
    for stride in range(-(-len(points) // size), len(points)):
        counts = np.bincount(labels[::stride].astype(np.intp), minlength=len(shares))
        if np.abs(counts / counts.sum() - shares).max() <= MAX_SHIFT:
            return points[::stride].astype(np.float64), labels[::stride].astype(np.float64)
    return points.astype(np.float64), labels.astype(np.float64)


def _best(measure: Measure, networks: Sequence[Snapshot]) -> Snapshot:
    """Return the first network of least loss over all points; NaN counts as infinite."""
    losses = np.array(measure.losses(networks))
    return networks[int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))]


def stages(experiment: Experiment, weights: int) -> list[tuple[float, int]]:
    """See `pruning.registry.stages_of`."""
    if experiment.target_accuracy is not None:
        return [*stages_to(experiment, weights, ASSUMED_LEFT), (float(PATIENCE), ASSUMED_LEFT)]
    target = target_of(experiment, weights)
    return [*stages_to(experiment, weights, target), (1.0, target)]


def stages_to(experiment: Experiment, weights: int, target: int) -> list[tuple[float, int]]:
    """Return stages 1 to 3 in the form of `stages`."""
    exact_below = min(weights, max(target, int(setting(experiment, "exact_below"))))
    shrunk = [
        round(weights * (exact_below / weights) ** (event / EVENTS))
        for event in range(1, EVENTS + 1)
    ]
    retrained = setting(experiment, "candidates") * setting(experiment, "retrain")
    return [
        (setting(experiment, "dense"), weights),
        *((setting(experiment, "shrink") / EVENTS, left) for left in shrunk),
        *((retrained, left) for left in range(target, exact_below)),
    ]
