"""GraSP: prune once, before training, preserving the gradient flow.

Idea: to first order, removing weight j changes the squared norm of the gradient by
-2 w_j * (H g)_j, H the Hessian and g the gradient of the loss; weights whose removal lowers it
least, or raises it, are pruned. Wang, Zhang and Grosse, "Picking winning tickets before training by
preserving gradient flow" (ICLR 2020):

    score_j = -w_j * (H g)_j / (|sum over all weights| + 1e-10); the highest are pruned

As in their code (alecwangcq/GraSP), the logits are divided by 200, and the data are 25 points of
each class in two halves; quirk: the points are sorted by class, so of two classes each is a half,
and here of several classes each is a part. Changes in the authors' run (docs/paper.md, section 5):
the weights are redrawn from a Xavier-normal distribution in the groups that start from fresh
networks only; scores equal to the threshold are pruned, which alecwangcq/GraSP keeps.
"""

from __future__ import annotations

import torch

from pruning.gradients import Tensors, logits, mean_loss, parameters
from pruning.masks import masks_of
from pruning.protocol import Batch, Batches, Pruned, target_of
from pruning.selection import below_highest
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting

MAX_BATCHES = 100_000
"""Batches after which a class with too few points is assumed to have no more."""

_EPSILON = 1e-10


def first_of_each_class(batches: Batches, count: int, classes: int = 2) -> list[Batch]:
    """Return the first points of each class: float32 [count, inputs], and labels float32 [count].

    A ValueError if the data set has too few points of a class.
    """
    found: list[list[torch.Tensor]] = [[] for _ in range(classes)]
    for _, (points, labels) in zip(range(MAX_BATCHES), batches, strict=False):
        for kind, of_class in enumerate(found):
            of_class.extend(points[labels == kind][: count - len(of_class)])
        if all(len(of_class) == count for of_class in found):
            return [
                (torch.stack(of_class), torch.full((count,), float(kind)))
                for kind, of_class in enumerate(found)
            ]
    raise ValueError(
        f"method 'grasp' needs {count} points of each class; the data set has too few: "
        + ", ".join(f"{len(of_class)} of class {kind}" for kind, of_class in enumerate(found))
    )


def score(
    weights: Tensors, biases: Tensors, parts: list[Batch], temperature: float
) -> torch.Tensor:
    """Return the relative loss of gradient flow without each weight, float32 [N].

    The weights with the highest scores matter least. The loss of each part is a mean; the
    gradients and products H g of the parts are summed. Both are linear in the loss, so one pass
    over the sum of the losses computes them.
    """
    leaves = [weight.detach().requires_grad_() for weight in weights]
    loss = torch.zeros(())
    for points, labels in parts:
        scaled = logits(leaves, biases, points) / temperature
        loss = loss + mean_loss(scaled, labels)
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    product = sum((g.detach() * g).sum() for g in gradients)
    assert isinstance(product, torch.Tensor)
    hessian_gradient = torch.autograd.grad(product, leaves)
    scores = torch.cat(
        [(-w * hg).flatten() for w, hg in zip(weights, hessian_gradient, strict=True)]
    )
    return scores / (scores.sum().abs() + _EPSILON)


def count(weights: int, target: int) -> int:
    """Return the number of weights to prune; truncation can make it one too few for the target."""
    return int(weights * (1 - (1 - (1 - target / weights))))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of GraSP; see `pruning.protocol.PrunesBefore`."""
    weights, biases = parameters(layers)
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    classes = max(2, len(biases[-1]))
    parts = first_of_each_class(batches, int(setting(experiment, "points")), classes)
    scores = score(weights, biases, parts, setting(experiment, "temperature"))
    return masks_of(below_highest(scores.numpy(), count(total, target)), layers)
