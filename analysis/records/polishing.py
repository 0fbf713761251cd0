"""Polishing: maximise the accuracy of a trained network directly, without a change of its masks.

Training minimises the cross-entropy, which also depends on the confidence at points that are right
already, and grows without bound at points that are wrong. Here the smoothed accuracy

    mean over points of sigmoid(m / (T s))

is maximised, where m is the margin of a point (the logit towards its class; with several outputs,
its class's logit minus the largest other one), s the median of the network's |m| above 0, which
counts as a constant, and T the temperature. As T falls, this becomes the fraction of points that
are right, where points with a margin of 0 count half. The idea is that of Nguyen and Sanner,
"Algorithms for direct 0-1 loss optimization in binary classification" (ICML 2013), who use a smooth
0-1 loss for linear classifiers; the ascent by Adam with a falling temperature is this project's.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from analysis.records.evaluation import point_accuracy
from pruning.elimination import sample_of
from search.layers import Layers
from workers.datasets import Dataset

STARTS = (0.05, 0.1, 0.2, 1.0)
"""First temperature of each ascent of a network: a high one allows large changes."""

LAST = 0.02
"""Last temperature; it falls geometrically."""

RATE = 0.006
"""Initial learning rate of Adam; it falls to zero along a cosine."""


class Effort(NamedTuple):
    """Number of steps of an ascent, and maximum number of points whose accuracy is smoothed."""

    steps: int
    points: int


QUICK = Effort(600, 2000)
"""Effort for networks that are compared with each other."""

THOROUGH = Effort(2000, 10_000)
"""Effort for a network that is kept: more points make it more accurate on all of them."""

CHECK_EVERY = 100
"""Number of steps between measurements of the accuracy of these points."""


def polished(networks: Sequence[Layers], dataset: Dataset, effort: Effort = QUICK) -> list[Layers]:
    """Return networks of at least the accuracy of the given ones, in float32, on all points.

    Args:
        networks: networks of one shape; parameters that are zero stay zero.
        dataset: all points, which decide in the end.
        effort: length of each ascent, and its points.

    Returns:
        for each network the best of itself and the ends of its ascents.
    """
    if not networks:
        return []
    copies = [network for network in networks for _ in STARTS]
    ascents = iter(_ascended(copies, dataset, effort))
    return [
        max((network, *islice(ascents, len(STARTS))), key=partial(_accuracy, dataset))
        for network in networks
    ]


def _accuracy(dataset: Dataset, layers: Layers) -> Fraction:
    return point_accuracy(layers, dataset, np.float32)


def _ascended(networks: Sequence[Layers], dataset: Dataset, effort: Effort) -> list[Layers]:
    """Return every network where the accuracy of the sample was highest on its ascent.

    First temperatures are those of `STARTS` in turn.
    """
    sample = sample_of(dataset.points, dataset.labels, effort.points)
    points, labels = torch.from_numpy(sample[0]), torch.from_numpy(sample[1].astype(np.int64))
    start = [
        torch.from_numpy(np.stack(parts).astype(np.float64))
        for layer in zip(*networks, strict=True)
        for parts in zip(*layer, strict=True)
    ]
    parameters = [values.clone().requires_grad_() for values in start]
    first = torch.tensor(STARTS, dtype=torch.float64).repeat(len(networks) // len(STARTS))[:, None]
    masks = [values != 0 for values in start]
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    highest = torch.zeros(len(networks), dtype=torch.float64)
    best = [values.detach().clone() for values in parameters]
    for step in range(effort.steps):
        done = step / effort.steps
        temperature = first * (LAST / first) ** done
        optimiser.param_groups[0]["lr"] = RATE * (1 + np.cos(np.pi * done)) / 2
        margins = _margins(parameters, points, labels)
        if step % CHECK_EVERY == 0 or step == effort.steps - 1:
            # A logit of 0, as of a network without output bias, stands for class 0.
            right = (margins > 0) | (margins == 0) & (labels == 0)
            accuracy = right.double().mean(dim=1)
            better = accuracy > highest
            highest = torch.where(better, accuracy, highest)
            for kept, values in zip(best, parameters, strict=True):
                kept[better] = values.detach()[better]
        sizes = margins.detach().abs()
        scale = sizes.masked_fill(sizes == 0, torch.nan).nanmedian(dim=1, keepdim=True).values
        scale = scale.nan_to_num(1.0).clamp_min(torch.finfo(scale.dtype).tiny)
        smoothed = torch.sigmoid(margins / (temperature * scale)).mean(dim=1).sum()
        gradients = torch.autograd.grad(smoothed, parameters)
        for values, gradient, mask in zip(parameters, gradients, masks, strict=True):
            values.grad = -gradient * mask
        optimiser.step()
    arrays = [values.numpy().astype(np.float32) for values in best]
    return [
        [(weight[i], bias[i]) for weight, bias in zip(arrays[::2], arrays[1::2], strict=True)]
        for i in range(len(networks))
    ]


def _margins(
    parameters: Sequence[torch.Tensor], points: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Return the margins of points, [networks, points].

    Parameters are the weights [networks, n_out, n_in] and biases [networks, n_out] of each layer in
    turn.
    """
    weight, bias = parameters[:2]
    values = torch.einsum("pi,noi->npo", points, weight) + bias[:, None]
    for index in range(2, len(parameters), 2):
        weight, bias = parameters[index : index + 2]
        values = torch.baddbmm(bias[:, None], values.relu(), weight.transpose(1, 2))
    if values.shape[2] == 1:
        return values[..., 0] * (2 * labels - 1)
    own = labels.expand(len(values), -1)[..., None]
    others = values.scatter(2, own, -torch.inf).amax(dim=2)
    return values.gather(2, own)[..., 0] - others
