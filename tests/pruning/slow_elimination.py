"""Elimination as its docstring describes it: Python floats, one point and one weight at a time."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from copy import deepcopy
from itertools import chain

import numpy as np

from pruning.masks import bias_masks
from pruning.protocol import Measure, Segment, Snapshot
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

Edge = tuple[int, int, int]
"""Layer, target neuron and source."""


class SlowNetwork:
    """A network whose weights are a dictionary.

    Attributes:
        weights: weight of each edge.
        biases: bias of each neuron, by layer.
        points: points that decide saliencies and means.
        labels: their labels.
    """

    def __init__(self, snapshot: Snapshot, points: list[list[float]], labels: list[float]) -> None:
        self._snapshot = snapshot
        self.points, self.labels = points, labels
        self.biases: list[list[float]] = [bias.tolist() for _, bias in snapshot.layers]
        self.weights: dict[Edge, float] = {
            (layer, int(i), int(j)): float(weight[i, j])
            for layer, ((weight, _), mask) in enumerate(
                zip(snapshot.layers, snapshot.weight_masks, strict=True)
            )
            for i, j in zip(*np.nonzero(mask), strict=True)
        }

    def snapshot(self) -> Snapshot:
        masks = [np.zeros_like(mask) for mask in self._snapshot.weight_masks]
        layers = [
            (np.zeros_like(weight), np.array(bias, np.float32))
            for (weight, _), bias in zip(self._snapshot.layers, self.biases, strict=True)
        ]
        for (layer, i, j), weight in self.weights.items():
            masks[layer][i, j] = True
            layers[layer][0][i, j] = weight
        return Snapshot(layers, self._snapshot.velocities, masks, bias_masks(masks))

    def sums(self, point: list[float]) -> list[list[float]]:
        """Return the weighted sums of every layer."""
        sums: list[list[float]] = []
        for layer, biases in enumerate(self.biases):
            inputs = point if layer == 0 else [max(z, 0.0) for z in sums[-1]]
            z = list(biases)
            for (at, i, j), weight in self.weights.items():
                if at == layer:
                    z[i] += weight * inputs[j]
            sums.append(z)
        return sums

    def input_of(self, edge: Edge, point: list[float]) -> float:
        layer, _, j = edge
        return point[j] if layer == 0 else max(self.sums(point)[layer - 1][j], 0.0)

    def mean_input(self, edge: Edge) -> float:
        return math.fsum(self.input_of(edge, point) for point in self.points) / len(self.points)

    def loss(self) -> float:
        losses = []
        for point, label in zip(self.points, self.labels, strict=True):
            logits = self.logits(point)
            differences = [logit - logits[int(label)] for logit in logits]
            losses.append(math.log(math.fsum(map(math.exp, differences))))
        return math.fsum(losses) / len(losses)

    def logits(self, point: list[float]) -> list[float]:
        """Return the logit of each class; a single output is that of class 1, and class 0 has 0."""
        logits = self.sums(point)[-1]
        return logits if len(logits) > 1 else [0.0, *logits]

    def without(self, edges: Iterable[Edge]) -> SlowNetwork:
        """Return the network without some weights, whose mean contributions become biases."""
        changed = deepcopy(self)
        for edge in edges:
            layer, i, _ = edge
            changed.biases[layer][i] += self.weights[edge] * self.mean_input(edge)
            del changed.weights[edge]
        return changed

    def folded(self) -> SlowNetwork:
        """Return the network without neurons that have no incoming or no outgoing weights."""
        network = deepcopy(self)
        for layer in range(len(network.biases) - 1):
            for neuron in range(len(network.biases[layer])):
                incoming = [e for e in network.weights if e[0] == layer and e[1] == neuron]
                outgoing = [e for e in network.weights if e[0] == layer + 1 and e[2] == neuron]
                if bool(incoming) == bool(outgoing):
                    continue
                constant = max(network.biases[layer][neuron], 0)
                for edge in outgoing:
                    network.biases[layer + 1][edge[1]] += network.weights[edge] * constant
                for edge in incoming + outgoing:
                    del network.weights[edge]
                return network.folded()
        return network

    def expansion(self, edge: Edge) -> float:
        """Return the second-order expansion of the loss increase without a weight."""
        layer, i, _ = edge
        mean = self.mean_input(edge)
        terms = []
        for point, label in zip(self.points, self.labels, strict=True):
            sums = self.sums(point)
            powers = [math.exp(logit) for logit in self.logits(point)]
            p = [power / math.fsum(powers) for power in powers]
            slopes = [self._slope(sums, layer, i, k) for k in range(len(self.biases[-1]))]
            slopes = slopes if len(slopes) > 1 else [0.0, *slopes]
            mean_slope = math.fsum(share * slope for share, slope in zip(p, slopes, strict=True))
            mean_square = math.fsum(
                share * slope**2 for share, slope in zip(p, slopes, strict=True)
            )
            d = -self.weights[edge] * (self.input_of(edge, point) - mean)
            linear = (mean_slope - slopes[int(label)]) * d
            terms.append(linear + (mean_square - mean_slope**2) * d**2 / 2)
        return math.fsum(terms) / len(terms)

    def _slope(self, sums: list[list[float]], layer: int, neuron: int, output: int) -> float:
        """Return the derivative of an output in a neuron's weighted sum."""
        if layer == len(sums) - 1:
            return float(neuron == output)
        if sums[layer][neuron] <= 0:
            return 0.0
        return math.fsum(
            weight * self._slope(sums, layer + 1, i, output)
            for (at, i, j), weight in self.weights.items()
            if (at, j) == (layer + 1, neuron)
        )

    def neurons(self) -> list[list[Edge]]:
        """Return the outgoing weights of each hidden neuron that has some, in order."""
        outgoing = [
            [edge for edge in sorted(self.weights) if (edge[0], edge[2]) == (layer + 1, neuron)]
            for layer, biases in enumerate(self.biases[:-1])
            for neuron in range(len(biases))
        ]
        return [edges for edges in outgoing if edges]

    def least(self, count: int, *, exact: bool, neurons: bool = False) -> list[list[Edge]]:
        """Return the weights to remove together, the least salient first.

        The last neuron of a layer stays.
        """
        groups = self.neurons() if neurons else [[edge] for edge in sorted(self.weights)]
        saliencies = [
            self.without(group).loss() if exact else math.fsum(map(self.expansion, group))
            for group in groups
        ]
        chosen: list[list[Edge]] = []
        for place in sorted(range(len(groups)), key=lambda place: saliencies[place]):
            group = groups[place]
            others = [other for other in groups if other[0][0] == group[0][0]]
            gone = [other for other in chosen if other[0][0] == group[0][0]]
            if len(chosen) < count and not (neurons and len(others) - len(gone) == 1):
                chosen.append(group)
        return chosen


def slow_elimination(
    experiment: Experiment, layers: Layers, measure: Measure
) -> Generator[Segment, Snapshot, Snapshot]:
    """Request the same segments as elimination of weights or neurons, for at most 1024 points."""
    trained, step = yield from slow_stages(experiment, layers, measure)
    return (yield from slow_anneal(experiment, trained, measure, step))


def slow_anneal(
    experiment: Experiment, trained: Snapshot, measure: Measure, step: int
) -> Generator[Segment, Snapshot, Snapshot]:
    """Train with the learning-rate schedule, starting at a step."""
    for number, scheduled in enumerate(measure.learning_rates):
        first = step + number * measure.steps_per_epoch
        end = first + measure.steps_per_epoch
        trained = yield Segment(trained, first, end, scheduled * setting(experiment, "fine"))
    return trained


def slow_stages(
    experiment: Experiment, layers: Layers, measure: Measure
) -> Generator[Segment, Snapshot, tuple[Snapshot, int]]:
    """Eliminate weights to the target; return the network and the next step."""
    is_structured = experiment.method == "neuron-elimination"
    below = int(setting(experiment, "weights_below")) if is_structured else 10_000
    assert experiment.target_nnz is not None
    sample = measure.points.astype(float).tolist(), measure.labels.astype(float).tolist()
    value = {name: setting(experiment, name) for name in ("dense", "shrink", "retrain", "fine")}
    total = experiment.epochs * measure.steps_per_epoch
    few = max(experiment.target_nnz, int(setting(experiment, "exact_below")))
    dense, shrink, retrain = (round(value[k] * total) for k in ("dense", "shrink", "retrain"))

    masks = [np.ones(weight.shape, np.bool_) for weight, _ in layers]
    zeros = [(0 * weight, 0 * bias) for weight, bias in layers]
    trained = yield Segment(
        Snapshot(layers, zeros, masks, bias_masks(masks)), 0, dense, experiment.lr
    )
    step = dense
    weights = sum(weight.size for weight, _ in layers)
    for event in range(1, 41):
        network = SlowNetwork(trained, *sample)
        allowed = weights if weights < few else round(weights * (few / weights) ** (event / 40))
        while (left := len(network.weights)) > allowed:
            exact = left <= 2 * few
            neurons = left > below
            if neurons:
                portion = 1 if exact else max(1, len(network.neurons()) // 20)
            else:
                portion = max(1, int(left * (0.02 if exact else 0.1)))
            least = network.least(min(portion, left - allowed), exact=exact, neurons=neurons)
            network = network.without(chain.from_iterable(least)).folded()
        last = dense + shrink * event // 40
        trained = yield Segment(network.snapshot(), step, last, experiment.lr)
        step = last
    rate = experiment.lr * value["fine"]
    while len((network := SlowNetwork(trained, *sample)).weights) > experiment.target_nnz:
        losses: list[tuple[float, Snapshot]] = []
        count = int(setting(experiment, "candidates"))
        neurons = len(network.weights) > below
        for group in network.least(count, exact=True, neurons=neurons):
            fewer = network.without(group).folded()
            if fewer.weights:
                after = yield Segment(fewer.snapshot(), step, step + retrain, rate)
                losses.append((SlowNetwork(after, *sample).loss(), after))
        if not losses:
            break
        trained = min(losses, key=lambda pair: pair[0])[1]
        step += retrain
    return trained, step
