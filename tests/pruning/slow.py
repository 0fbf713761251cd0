"""Slow, independent implementations of the algorithms: `nn.Sequential`, loops, sorted lists.

Each takes a network and batches and returns the scores of its last round and the kept weights after
each round, as flat lists in the order of the weights, in double precision.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import nn

from search.layers import Layers

Answer = tuple[list[float], list[list[bool]]]
Data = Iterator[tuple[torch.Tensor, torch.Tensor]]


def network_of(layers: Layers) -> nn.Sequential:
    modules: list[nn.Module] = []
    for weight, bias in layers:
        linear = nn.Linear(weight.shape[1], weight.shape[0]).double()
        linear.weight.data = torch.tensor(weight).double()
        linear.bias.data = torch.tensor(bias).double()
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def linears(network: nn.Sequential) -> list[nn.Linear]:
    return [module for module in network if isinstance(module, nn.Linear)]


def loss_of(network: nn.Sequential, points: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    probability = torch.sigmoid(network(points.double())[:, 0])
    labels = labels.double()
    return -(labels * probability.log() + (1 - labels) * (1 - probability).log()).mean()


def flat(tensors: list[torch.Tensor]) -> list[float]:
    return [float(number) for tensor in tensors for number in tensor.detach().flatten()]


def put_mask(network: nn.Sequential, kept: list[bool]) -> None:
    """Set the weights that are not kept to zero."""
    place = 0
    for linear in linears(network):
        for row in range(linear.out_features):
            for column in range(linear.in_features):
                if not kept[place]:
                    linear.weight.data[row, column] = 0
                place += 1


def sensitivity(network: nn.Sequential, data: Data) -> list[torch.Tensor]:
    weights = [linear.weight for linear in linears(network)]
    return list(torch.autograd.grad(loss_of(network, *next(data)), weights))


def snip(layers: Layers, data: Data, k: int) -> Answer:
    network = network_of(layers)
    gradients = sensitivity(network, data)
    pairs = zip(linears(network), gradients, strict=True)
    raw = flat([(linear.weight * gradient).abs() for linear, gradient in pairs])
    scores = [score / sum(raw) for score in raw]
    n = len(scores)
    threshold = sorted(scores, reverse=True)[int(n * (k / n)) - 1]
    return scores, [[score >= threshold for score in scores]]


def in_rounds(layers: Layers, data: Data, k: int, *, can_return: bool) -> Answer:
    original = network_of(layers)
    network = copy.deepcopy(original)
    scores: list[float] = []
    rounds: list[list[bool]] = []
    for i in range(1, 11):
        gradients = sensitivity(network, data)
        weights = linears(original if can_return else network)
        pairs = zip(weights, gradients, strict=True)
        scores = flat([(linear.weight * gradient).abs() for linear, gradient in pairs])
        n = len(scores)
        m = int(n * math.exp(-(i * (0 - math.log(k / n)) / 10)))
        threshold = sorted(scores, reverse=True)[m - 1]
        rounds.append([score > threshold for score in scores])
        network = copy.deepcopy(original)
        put_mask(network, rounds[-1])
    return scores, rounds


def iter_snip(layers: Layers, data: Data, k: int) -> Answer:
    return in_rounds(layers, data, k, can_return=False)


def force(layers: Layers, data: Data, k: int) -> Answer:
    return in_rounds(layers, data, k, can_return=True)


def synflow(layers: Layers, data: Data, k: int) -> Answer:
    network = network_of([(abs(weight), abs(bias)) for weight, bias in layers])
    scores: list[float] = []
    rounds: list[list[bool]] = []
    for i in range(1, 101):
        output = network(torch.ones(1, layers[0][0].shape[1]).double())
        weights = [linear.weight for linear in linears(network)]
        gradients = torch.autograd.grad(output.sum(), weights)
        scores = flat([(w * g).abs() for w, g in zip(weights, gradients, strict=True)])
        n = len(scores)
        pruned = int(n - k ** (i / 100) / n ** (i / 100 - 1))
        threshold = sorted(scores)[pruned] if pruned else -1.0
        rounds.append([score > threshold for score in scores])
        put_mask(network, rounds[-1])
        for linear, following in zip(linears(network)[:-1], linears(network)[1:], strict=True):
            for neuron in range(linear.out_features):
                if not following.weight[:, neuron].any():
                    linear.bias.data[neuron] = 0
    return scores, rounds


def grasp(layers: Layers, data: Data, k: int) -> Answer:
    network = network_of(layers)
    weights = [linear.weight for linear in linears(network)]
    chosen: dict[int, list[torch.Tensor]] = {0: [], 1: []}
    while min(map(len, chosen.values())) < 25:
        for point, label in zip(*next(data), strict=True):
            if len(chosen[int(label)]) < 25:
                chosen[int(label)].append(point)

    def gradients(kind: int) -> tuple[torch.Tensor, ...]:
        cooled = network(torch.stack(chosen[kind]).double())[:, 0] / 200
        label = torch.full((25,), float(kind)).double()
        loss = nn.BCEWithLogitsLoss()(cooled, label)
        return torch.autograd.grad(loss, weights, create_graph=True)

    total = [torch.zeros_like(weight) for weight in weights]
    for kind in (0, 1):
        total = [(t + g).detach() for t, g in zip(total, gradients(kind), strict=True)]
    product = [torch.zeros_like(weight) for weight in weights]
    for kind in (0, 1):
        dot = sum((t * g).sum() for t, g in zip(total, gradients(kind), strict=True))
        assert isinstance(dot, torch.Tensor)
        halves = torch.autograd.grad(dot, weights)
        product = [p + h for p, h in zip(product, halves, strict=True)]
    raw = flat([-weight * hg for weight, hg in zip(weights, product, strict=True)])
    scores = [score / (abs(sum(raw)) + 1e-10) for score in raw]
    n = len(scores)
    removed = int(n * (1 - (1 - (1 - k / n))))
    threshold = sorted(scores, reverse=True)[removed - 1]
    return scores, [[score < threshold for score in scores]]


def prospr(
    layers: Layers, data: Data, k: int, lr: float, momentum: float, *, detach_first: bool = False
) -> Answer:
    base = network_of(layers)
    names = [name for name, _ in base.named_parameters()]
    masks = {
        name: torch.ones_like(value, requires_grad=True)
        for name, value in base.named_parameters()
        if name.endswith("weight")
    }
    now = {
        name: value * masks[name] if name in masks else value
        for name, value in base.named_parameters()
    }
    velocity: dict[str, torch.Tensor] = {}

    def loss_now() -> torch.Tensor:
        points, labels = next(data)
        output: torch.Tensor = torch.func.functional_call(base, now, (points.double(),))
        loss: torch.Tensor = nn.BCEWithLogitsLoss()(output[:, 0], labels.double())
        return loss

    for _ in range(3):
        gradient = torch.autograd.grad(loss_now(), [now[name] for name in names], create_graph=True)
        for name, g in zip(names, gradient, strict=True):
            if name in velocity:
                velocity[name] = momentum * velocity[name] + g
            else:
                velocity[name] = torch.clone(g).detach() if detach_first else g
            now[name] = now[name] - lr * velocity[name]
    scores = flat([g.abs() for g in torch.autograd.grad(loss_now(), list(masks.values()))])
    n = len(scores)
    count = math.ceil(n * (1 - (1 - k / n)))
    best = set(sorted(range(n), key=lambda place: (-scores[place], place))[:count])
    return scores, [[place in best for place in range(n)]]
