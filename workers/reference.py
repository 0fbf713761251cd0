"""The reference trainer: plain torch, one network at a time, slow and simple.

Every faster trainer must agree with it step by step, up to rounding, from the same initial weights
and over the same batches.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pruning.functional_sparsity import count_active_points
from pruning.gradients import mean_loss
from pruning.network import MaskedNetwork
from pruning.protocol import Snapshot
from search.experiment import Experiment
from search.layers import Layers
from workers.datasets import Dataset
from workers.orders import permutation
from workers.start import start_of
from workers.step_schedule import learning_rates
from workers.trained import Trained


def train_reference(
    experiment: Experiment,
    dataset: Dataset,
    *,
    init: Layers | None = None,
    steps: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> Trained:
    """Train one network with autograd and `torch.optim.SGD` (docs/paper.md, section 3).

    `init` replaces the initial layers of a fresh network, and without `steps` the network is
    trained to the end. All values have the type `dtype`. Errors are those of
    `workers.start.start_of`.
    """
    start = start_of(experiment, dataset, {}, init)
    network = MaskedNetwork(start.layers, start.weight_masks, start.bias_masks, dtype)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=experiment.lr,
        momentum=experiment.momentum,
        weight_decay=experiment.weight_decay,
    )
    points = torch.tensor(dataset.points, dtype=dtype)
    labels = torch.tensor(dataset.labels, dtype=dtype)

    order = np.empty(len(dataset), dtype=np.uint32)
    taken = 0
    rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
    for epoch, rate in enumerate(rates):
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        permutation(experiment.order_seed, epoch, order)
        for step in range(dataset.steps_per_epoch(experiment.batch_size)):
            if taken == steps:
                return _trained(network, dataset, start, taken)
            taken += 1
            first = step * experiment.batch_size
            batch = torch.tensor(order[first : first + experiment.batch_size].astype(np.int64))
            loss = mean_loss(network(points[batch]), labels[batch])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            network.apply_masks()
    return _trained(network, dataset, start, taken)


def evaluate(network: nn.Module, dataset: Dataset) -> tuple[float, float]:
    """Return accuracy, 0 to 1, and mean loss in nats over all points (docs/paper.md, section 2).

    With one logit, a point is assigned to class 1 if the logit is above 0, so a NaN is assigned to
    class 0. With one logit per class, it is assigned to the class of the largest, in a tie to the
    lowest of these classes. The network maps points [N, features] to logits [N] or [N, classes].
    """
    reference = next(network.parameters())
    points = torch.tensor(dataset.points, dtype=reference.dtype, device=reference.device)
    labels = torch.tensor(dataset.labels, dtype=reference.dtype, device=reference.device)
    with torch.no_grad():
        logits = network(points)
        correct = (
            (logits > 0) == (labels > 0.5) if logits.ndim == 1 else logits.argmax(dim=1) == labels
        )
        loss = mean_loss(logits.double(), labels.double())
    return int(correct.sum()) / len(dataset), float(loss)


def _trained(network: MaskedNetwork, dataset: Dataset, start: Snapshot, steps: int) -> Trained:
    accuracy, loss = evaluate(network, dataset)
    layers = network.layers()
    return Trained.of(
        layers,
        accuracy,
        loss,
        weight_masks=start.weight_masks,
        bias_masks=start.bias_masks,
        active_points=count_active_points(layers, dataset.points),
        steps=steps,
    )
