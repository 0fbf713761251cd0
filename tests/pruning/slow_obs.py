"""OBS as its docstring describes it: torch's autograd, numpy's inverse, one weight at a time."""

from __future__ import annotations

from collections.abc import Generator
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from pruning.protocol import Measure, Segment, Snapshot
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting
from tests.pruning.slow_elimination import Edge, SlowNetwork

Vector = NDArray[np.float64]


class SlowCurvature:
    """The parameters of a network as one vector, and the loss as a function of it.

    Attributes:
        network: the network.
        edges: weights in the order of the vector; the biases of all neurons follow.
    """

    def __init__(self, network: SlowNetwork) -> None:
        self.network = network
        self.edges: list[Edge] = sorted(network.weights)

    def vector(self) -> Vector:
        biases = [bias for layer in self.network.biases for bias in layer]
        return np.array([*(self.network.weights[edge] for edge in self.edges), *biases])

    def logits(self, vector: torch.Tensor, point: list[float]) -> torch.Tensor:
        """Return the logits of a point, [outputs]."""
        values = list(torch.tensor(point, dtype=torch.float64))
        at = len(self.edges)
        last = len(self.network.biases) - 1
        for layer, biases in enumerate(self.network.biases):
            sums = [vector[at + neuron] for neuron in range(len(biases))]
            for number, (of, i, j) in enumerate(self.edges):
                if of == layer:
                    sums[i] = sums[i] + vector[number] * values[j]
            at += len(biases)
            values = sums if layer == last else [z.relu() for z in sums]
        return torch.stack(values)

    def matrix(self, damping: float) -> NDArray[np.float64]:
        """Return the damped Gauss-Newton matrix: derivatives times the loss's second derivative."""
        vector = torch.tensor(self.vector())
        total = np.zeros((len(vector), len(vector)))
        for point in self.network.points:
            logits = self.logits(vector.requires_grad_(), point)
            jacobian = np.array(
                [torch.autograd.grad(z, vector, retain_graph=True)[0].numpy() for z in logits]
            )
            if len(logits) == 1:
                # The logits of both classes, of which class 0 has the constant 0.
                logits = torch.stack([torch.zeros(()), logits[0]])
                jacobian = np.array([0 * jacobian[0], jacobian[0]])
            p = torch.softmax(logits, 0).detach().numpy()
            inner = np.diag(p) - np.outer(p, p)
            total += jacobian.T @ inner @ jacobian
        return damping * np.eye(len(vector)) + total / len(self.network.points)

    def replaced(self, vector: Vector, removed: list[Edge]) -> SlowNetwork:
        """Return the network with other parameters and without some weights, folded."""
        numbers = iter(vector.tolist())
        weights = {edge: next(numbers) for edge in self.edges}
        self.network.weights = {e: w for e, w in weights.items() if e not in removed}
        self.network.biases = [[next(numbers) for _ in layer] for layer in self.network.biases]
        return self.network.folded()


def operated(network: SlowNetwork, count: int, damping: float) -> SlowNetwork:
    """Return the network after removing weights by OBS within one quadratic approximation."""
    curvature = SlowCurvature(network)
    vector, matrix = curvature.vector(), curvature.matrix(damping)
    left = list(range(len(vector)))
    for _ in range(count):
        inverse = np.linalg.inv(matrix[np.ix_(left, left)])
        weights = [at for at in left if at < len(curvature.edges)]
        costs = [vector[at] ** 2 / inverse[left.index(at), left.index(at)] / 2 for at in weights]
        q = weights[int(np.argmin(costs))]
        place = left.index(q)
        vector[left] -= vector[q] / inverse[place, place] * inverse[:, place]
        vector[q] = 0
        left.remove(q)
    removed = [edge for at, edge in enumerate(curvature.edges) if at not in left]
    return curvature.replaced(vector, removed)


def slow_obs(
    experiment: Experiment, layers: Layers, measure: Measure
) -> Generator[Segment, Snapshot, Snapshot]:
    """Request the same segments as `pruning.obs`, for at most 1024 points."""
    k = experiment.target_nnz
    assert k is not None
    sample = measure.points.astype(float).tolist(), measure.labels.astype(float).tolist()
    rounds, retrain = int(setting(experiment, "rounds")), float(setting(experiment, "retrain"))
    full_below = int(setting(experiment, "full_below"))
    damping = float(setting(experiment, "damping"))
    epoch = measure.steps_per_epoch
    zeros = [(0 * weight, 0 * bias) for weight, bias in layers]
    trained = Snapshot(
        layers,
        zeros,
        [np.ones(weight.shape, np.bool_) for weight, _ in layers],
        [np.ones(bias.shape, np.bool_) for _, bias in layers],
    )
    step = 0
    for rate in measure.learning_rates:
        trained = yield Segment(trained, step, step + epoch, rate)
        step += epoch
    n = sum(weight.size for weight, _ in layers)
    for number in range(1, rounds + 1):
        network = SlowNetwork(trained, *sample)
        allowed = round(n * (k / n) ** (number / rounds))
        while (left := len(network.weights)) > allowed:
            if left > full_below:
                portion = min(int(left / 10), left - max(allowed, full_below))
                least = network.least(max(1, portion), exact=False)
                network = network.without(chain.from_iterable(least)).folded()
            else:
                network = operated(network, min(max(1, int(left / 20)), left - allowed), damping)
        trained = network.snapshot()
        if allowed > k:
            last = step + round(retrain * experiment.epochs * epoch)
            trained = yield Segment(trained, step, last, experiment.lr)
            step = last
    if retrain:
        for rate in measure.learning_rates:
            trained = yield Segment(trained, step, step + epoch, rate)
            step += epoch
    return trained
