"""The reference trainer: plain torch, one network at a time, slow, and meant to be obvious.

It is the judge of every faster kernel: these must follow it step for step, from the same initial
weights over the same batches, until rounding parts them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from pruning.network import MaskedNetwork
from search.experiment import Experiment
from search.layers import Layers
from workers.datasets import Dataset
from workers.evaluate import evaluate
from workers.orders import permutation
from workers.schedules import learning_rates
from workers.start import Start, start_of
from workers.trained import Trained


def train_reference(
    experiment: Experiment,
    dataset: Dataset,
    *,
    init: Layers | None = None,
    steps: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> Trained:
    """Trains one network with autograd and `torch.optim.SGD` (docs/paper.md, section 3).

    Args:
        experiment: what to train; its masks must be settled before training.
        dataset: what to train and to measure on.
        init: initial layers of the used neurons; None for the experiment's own fresh ones.
        steps: stop after so many optimiser steps; None for all of the training.
        dtype: of parameters, points and everything between.

    Raises:
        ValueError: the method prunes in another phase, a mask or the target does not fit, a batch
            is larger than the data set, or `init` is missing for a stored initialisation.
    """
    start = start_of(experiment, dataset, {}, init)
    network = MaskedNetwork(start.layers, start.weight_masks, start.bias_masks, dtype)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=experiment.lr,
        momentum=experiment.momentum,
        weight_decay=experiment.weight_decay,
    )
    loss_of = nn.BCEWithLogitsLoss()
    points = torch.tensor(dataset.points, dtype=dtype)
    labels = torch.tensor(dataset.labels, dtype=dtype)

    order = np.empty(len(dataset), dtype=np.uint32)
    remaining = steps
    rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
    for epoch, rate in enumerate(rates):
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        permutation(experiment.order_seed, epoch, order)
        for step in range(dataset.steps_per_epoch(experiment.batch_size)):
            if remaining is not None:
                if remaining == 0:
                    return _trained(network, dataset, start)
                remaining -= 1
            first = step * experiment.batch_size
            batch = torch.tensor(order[first : first + experiment.batch_size].astype(np.int64))
            loss = loss_of(network(points[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            network.apply_masks()
    return _trained(network, dataset, start)


def _trained(network: MaskedNetwork, dataset: Dataset, start: Start) -> Trained:
    accuracy, loss = evaluate(network, dataset)
    return Trained.of(
        network.layers(),
        accuracy,
        loss,
        weight_masks=start.weight_masks,
        bias_masks=start.bias_masks,
    )
