"""The batched torch trainer: many small networks at once, on a CPU or on a GPU.

All networks of a batch take every step together, with one batched matrix product per layer. The
gradient is computed by hand: a step is then about 25 kernel launches, which dominate the cost of
networks this small on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch

from search.compilation import running_time
from search.experiment import Experiment
from search.layers import Layers, StoredInit
from workers.datasets import Dataset
from workers.orders import permutation
from workers.start import start_of
from workers.step_schedule import learning_rates
from workers.torch_stack import Gradient, Stack, evaluate_stack
from workers.trained import Trained

NETWORKS_AT_ONCE = {"cpu": 256, "cuda": 8192}
"""Maximum number of networks in a batch, by type of device; halved when memory runs out."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def train_torch(
    experiments: Sequence[Experiment],
    dataset: Dataset,
    device: str,
    inits: Mapping[str, StoredInit],
    *,
    steps: int | None = None,
) -> list[Trained]:
    """Train networks of any sizes with fixed masks; return one result for each, in their order.

    Results do not depend on the other networks of a batch. The device is "cpu", "cuda" or "cuda:N".
    Without `steps` the networks are trained to the end. Errors are those of
    `workers.start.start_of`, and torch.OutOfMemoryError if a single network exceeds the device's
    memory.
    """
    torch_device = torch.device(device)
    results: dict[int, Trained] = {}
    groups: dict[tuple[int, int, int], list[int]] = {}
    for i, experiment in enumerate(experiments):
        key = (experiment.batch_size, experiment.epochs, len(experiment.hidden))
        groups.setdefault(key, []).append(i)
    for members in groups.values():
        # Networks of similar size together, which need less padding.
        members.sort(key=lambda i: experiments[i].hidden)
        chosen = [experiments[i] for i in members]
        trained = in_shrinking_batches(
            chosen,
            NETWORKS_AT_ONCE[torch_device.type],
            lambda batch: _train_batch(batch, dataset, torch_device, inits, steps),
        )
        results.update(zip(members, trained, strict=True))
    return [results[i] for i in range(len(experiments))]


def in_shrinking_batches(
    items: Sequence[Item], size: int, work: Callable[[Sequence[Item]], list[Result]]
) -> list[Result]:
    """Return one result per item, halving the batch size whenever the device's memory runs out.

    A batch of one item that does not fit is an error.
    """
    results: list[Result] = []
    while len(results) < len(items):
        batch = items[len(results) : len(results) + size]
        try:
            results += work(batch)
            continue
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            size = len(batch) // 2
        # Outside the handler, whose exception keeps the failed batch's tensors alive.
        torch.cuda.empty_cache()
    return results


def _train_batch(
    experiments: Sequence[Experiment],
    dataset: Dataset,
    device: torch.device,
    inits: Mapping[str, StoredInit],
    steps: int | None,
) -> list[Trained]:
    """Train networks of one batch size, number of epochs and depth together."""
    start = running_time()
    starts = [start_of(experiment, dataset, inits) for experiment in experiments]
    hidden = np.array([experiment.hidden for experiment in experiments]).max(axis=0)
    stack = Stack(len(experiments), (dataset.features, *hidden.tolist(), dataset.outputs))
    masks = [list(zip(start.weight_masks, start.bias_masks, strict=True)) for start in starts]
    kept = stack.packed(masks, device)
    params = stack.packed([start.layers for start in starts], device)
    velocity = torch.zeros_like(params)
    grads = torch.empty_like(params)
    momentum = stack.spread([experiment.momentum for experiment in experiments], device)
    decay = stack.spread([experiment.weight_decay for experiment in experiments], device)

    batch_size, epochs = experiments[0].batch_size, experiments[0].epochs
    data = _Feed(experiments, dataset, device)
    rates = np.stack([learning_rates(e.schedule, e.lr, epochs) for e in experiments])
    gradient = Gradient(stack, params, grads, batch_size)
    total = steps if steps is not None else epochs * dataset.steps_per_epoch(batch_size)
    remaining = total
    for epoch in range(epochs):
        if remaining == 0:
            break
        # A learning rate of zero keeps masked parameters at zero.
        rate = stack.spread(rates[:, epoch].tolist(), device) * kept
        data.shuffle(epoch)
        for step in range(min(remaining, data.steps)):
            gradient.compute(data.batch(step))
            grads.addcmul_(params, decay)
            velocity.mul_(momentum).add_(grads)
            params.addcmul_(velocity, rate, value=-1.0)
        remaining -= min(remaining, data.steps)
    accuracies, losses, active = evaluate_stack(stack, params, dataset)
    trained_layers = _unpacked(stack, params, experiments)
    # All networks are padded to one size, so they take the same time.
    train_ms = 1000 * (running_time() - start) / len(experiments)
    return [
        Trained.of(
            layers,
            accuracy,
            loss,
            weight_masks=start.weight_masks,
            bias_masks=start.bias_masks,
            train_ms=train_ms,
            active_points=[
                int(count)
                for counts, (_, bias) in zip(active, layers[:-1], strict=True)
                for count in counts[number, : len(bias)]
            ],
            steps=total - remaining,
            extras=start.extras,
        )
        for number, (layers, accuracy, loss, start) in enumerate(
            zip(trained_layers, accuracies, losses, starts, strict=True)
        )
    ]


class _Feed:
    """The batches of every network in its data order; each order is shuffled once."""

    def __init__(
        self, experiments: Sequence[Experiment], dataset: Dataset, device: torch.device
    ) -> None:
        self._batch_size = experiments[0].batch_size
        self.steps = dataset.steps_per_epoch(self._batch_size)
        rows = np.concatenate([dataset.points.T, np.ones((1, len(dataset))), [dataset.labels]])
        self._columns = torch.tensor(rows, dtype=torch.float32, device=device)
        self._seeds = list(dict.fromkeys(experiment.order_seed for experiment in experiments))
        stream = {seed: number for number, seed in enumerate(self._seeds)}
        self._stream = torch.tensor([stream[e.order_seed] for e in experiments], device=device)
        self._shuffled = torch.empty(0)

    def shuffle(self, epoch: int) -> None:
        """Arrange the points of an epoch in the order of each stream."""
        order = np.empty((len(self._seeds), self._columns.shape[1]), dtype=np.uint32)
        for seed, row in zip(self._seeds, order, strict=True):
            permutation(seed, epoch, row)
        used = np.ascontiguousarray(order[:, : self.steps * self._batch_size]).view(np.int32)
        indices = torch.from_numpy(used).to(self._columns.device)
        # [features + 2, streams * points], then [streams, features + 2, points].
        columns = self._columns.index_select(1, indices.flatten())
        self._shuffled = columns.view(-1, *indices.shape).transpose(0, 1).contiguous()

    def batch(self, step: int) -> torch.Tensor:
        """Return [networks, features + 2, batch]: the features, a row of ones, the labels."""
        first = step * self._batch_size
        part = self._shuffled[:, :, first : first + self._batch_size]
        return part.index_select(0, self._stream)


def _unpacked(
    stack: Stack, params: torch.Tensor, experiments: Sequence[Experiment]
) -> list[Layers]:
    """Return the layers of each network without padding."""
    blocks = [block.cpu().numpy() for block in stack.blocks(params)]
    networks: list[Layers] = []
    for number, experiment in enumerate(experiments):
        widths = (stack.widths[0], *experiment.hidden, stack.widths[-1])
        networks.append(
            [
                (block[number, :rows, :columns].copy(), block[number, :rows, -1].copy())
                for block, columns, rows in zip(blocks, widths[:-1], widths[1:], strict=True)
            ]
        )
    return networks
