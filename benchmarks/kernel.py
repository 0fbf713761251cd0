"""Training time per network: the fast trainer compared with torch, batched and one at a time.

Times are processor time of one core for 50 epochs of one network. The trainers alternate, and each
ratio is between two times measured one directly after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, islice, pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.machine import peak_flops, training_flops
from benchmarks.report import table, timed
from pruning.gradients import mean_loss
from search.experiment import Experiment
from search.masks.text import mask_text
from search.structure import Structure
from workers.datasets import Dataset, load_dataset
from workers.torch_batch import train_torch
from workers.train import train_batch

ROUNDS = 3
NETWORKS = 256
STREAMS = 8
"""Number of data orders: 32 networks share each. In a task of phase 2 about 27 do on an idle
machine, fewer on a busy one."""


@dataclass(frozen=True)
class Case:
    """Networks that are trained for 50 epochs with batches of 128.

    Attributes:
        structure: neurons in each hidden layer.
        kept: fraction of the weights before the output layer that one random mask keeps.
    """

    structure: tuple[int, ...]
    dataset: str = "cubist-spiral"
    kept: float = 1.0

    @property
    def data(self) -> Dataset:
        """The data set."""
        return load_dataset(self.dataset)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of neurons of each layer, inputs first."""
        return (self.data.features, *self.structure, self.data.outputs)

    @property
    def masks(self) -> tuple[str, ...]:
        """The random mask of each layer before the output; none if all weights are kept."""
        if self.kept == 1:
            return ()
        rng = np.random.default_rng(0)
        shapes = [(n_out, n_in) for n_in, n_out in pairwise(self.sizes[:-1])]
        return tuple(mask_text(rng.random(shape) < self.kept) for shape in shapes)

    @property
    def weights(self) -> list[int]:
        """Number of unmasked weights of each layer."""
        dense = [n_in * n_out for n_in, n_out in pairwise(self.sizes)]
        return [*(mask.count("1") for mask in self.masks), *dense[len(self.masks) :]]

    @property
    def steps(self) -> int:
        """Number of steps of a training."""
        return 50 * self.data.steps_per_epoch(128)

    def __str__(self) -> str:
        name = "" if self.dataset == "cubist-spiral" else f"{self.dataset}, "
        kept = "" if self.kept == 1 else f", {self.kept:.0%} kept"
        return f"{name}{Structure(self.structure)}{kept}"


SPIRAL = tuple(Case(structure) for structure in ((3, 2, 2), (3, 3, 3), (7, 3, 3), (16, 16, 16)))

CLASSES = tuple(
    Case(structure, dataset, kept)
    for dataset, structure in (
        ("digits", (8, 8, 8)),
        ("digits", (16, 16, 16)),
        ("mnist-1d", (16, 16, 16)),
    )
    for kept in (1.0, 0.1)
)
"""Tasks of ten classes, with 64 and 40 inputs."""


def experiments(case: Case) -> list[Experiment]:
    """Return NETWORKS different experiments of 50 epochs in STREAMS data orders."""
    masks = case.masks
    variants = (
        Experiment(
            structure=case.structure, dataset=case.dataset, masks=masks, lr=0.05 + n / 1_000_000
        )
        for n in count()
    )
    sharing = (experiment for experiment in variants if experiment.order_stream < STREAMS)
    return list(islice(sharing, NETWORKS))


def fast_ms(case: Case) -> float:
    """Time all of `train_batch`: initial weights, training, evaluation, rows."""
    batch = experiments(case)[: NETWORKS if max(case.structure) < 16 else 64]
    return 1000 * timed(lambda: train_batch(batch))[1] / len(batch)


def bmm_torch_ms(case: Case, *, points_last: bool = False) -> float:
    """Time 256 networks at once with bmm, autograd and SGD, scaled from 100 steps.

    The layout is that of nn.Linear, [networks, points, inputs] times [networks, inputs, outputs],
    with one shuffle per network. With `points_last` and shared shuffles torch runs faster.
    """
    points, labels = torch.tensor(case.data.points), torch.tensor(case.data.labels)
    parameters = _parameters(case, points_last)
    optimiser = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)
    orders = torch.empty(STREAMS if points_last else NETWORKS, len(points), dtype=torch.int64)
    stream = torch.arange(NETWORKS) % len(orders)

    def shuffle() -> None:
        for order in orders:
            torch.randperm(len(points), out=order)

    def product(values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        factors = (weight, values) if points_last else (values, weight)
        return torch.baddbmm(bias, *factors)

    def steps(number: int) -> None:
        per_epoch = orders.shape[1] // 128
        for step in range(number):
            first = 128 * (step % per_epoch)
            shared = orders[:, first : first + 128]
            chosen = shared[stream] if points_last else shared
            values = points[chosen].transpose(1, 2) if points_last else points[chosen]
            for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
                values = torch.relu(product(values, weight, bias))
            logits = product(values, parameters[-2], parameters[-1])
            optimiser.zero_grad()
            logits = logits.transpose(1, 2) if points_last else logits
            # The sum of the networks' mean losses over a batch.
            loss = mean_loss(logits.flatten(0, 1).squeeze(-1), labels[chosen].flatten())
            torch.autograd.backward(loss * len(logits))
            optimiser.step()

    _, shuffling = timed(shuffle)
    steps(5)
    _, stepping = timed(lambda: steps(100))
    shuffles = 0 if points_last else 50
    return 1000 * (shuffles * shuffling + stepping / 100 * case.steps) / NETWORKS


def _parameters(case: Case, points_last: bool) -> list[torch.Tensor]:
    """Return the weights and biases of NETWORKS networks, layer by layer."""
    shapes = [
        (n_in, shape)
        for n_in, n_out in pairwise(case.sizes)
        for shape in (((n_out, n_in), (n_out, 1)) if points_last else ((n_in, n_out), (1, n_out)))
    ]
    return [
        torch.empty(NETWORKS, *shape).uniform_(-(n_in**-0.5), n_in**-0.5).requires_grad_()
        for n_in, shape in shapes
    ]


def batched_torch_ms(case: Case) -> float:
    """Time `workers.torch_batch` on the CPU with 256 networks at once, scaled from 4 epochs.

    Scaled from one epoch of the Cubist Spiral. It has a hand-written gradient and keeps all
    parameters in one tensor.
    """
    batch, dataset = experiments(case), case.data
    counted = min(390, 4 * case.steps // 50)

    def steps(number: int) -> float:
        return 1000 * timed(lambda: train_torch(batch, dataset, "cpu", {}, steps=number))[1]

    # The difference of two runs cancels the fixed cost of setting up and evaluating.
    return (steps(20 + counted) - steps(20)) / counted * case.steps / len(batch)


def plain_torch_ms(case: Case) -> float:
    """Time one network with nn.Linear, DataLoader and SGD, scaled from one epoch."""
    points, labels = torch.tensor(case.data.points), torch.tensor(case.data.labels)
    loader = DataLoader(TensorDataset(points, labels), batch_size=128, shuffle=True, drop_last=True)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(case.sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    loss_of = nn.BCEWithLogitsLoss()

    def epoch() -> None:
        for batch, target in loader:
            optimiser.zero_grad()
            loss_of(network(batch)[:, 0], target).backward()
            optimiser.step()

    return 1000 * timed(epoch)[1] * 50


def run() -> None:
    """Print the table of ratios on the Cubist Spiral."""
    _compare(
        SPIRAL,
        {
            "torch: bmm, autograd": bmm_torch_ms,
            "torch: the same, points last": partial(bmm_torch_ms, points_last=True),
            "torch: `workers.torch_batch`": batched_torch_ms,
            "torch: one network, DataLoader": plain_torch_ms,
        },
    )


def run_classes() -> None:
    """Print the table of ratios on tasks of several classes."""
    _compare(CLASSES, {"torch: `workers.torch_batch`": batched_torch_ms})


def _compare(cases: Sequence[Case], others: Mapping[str, Callable[[Case], float]]) -> None:
    """Print the table of ratios."""
    torch.set_num_threads(1)
    train_batch(experiments(cases[0])[:1])
    rows = []
    for case in cases:
        turns = [
            [trainer_ms(case) for trainer_ms in (fast_ms, *others.values())] for _ in range(ROUNDS)
        ]
        times = np.array(turns)
        fast = float(np.median(times[:, 0]))
        # The limit is measured at the same time: a core's clock depends on its neighbours' load.
        limit = 1000 * training_flops(case.weights, case.steps) / peak_flops()
        row = [str(case), f"{sum(case.weights):,}", f"{fast:.2f}", f"{limit:.2f}"]
        row.append(f"{limit / fast:.0%}")
        for other in range(1, times.shape[1]):
            ratio = np.median(times[:, other] / times[:, 0])
            row.append(f"{np.median(times[:, other]):,.0f} = {ratio:,.{int(ratio < 10)}f} times")
        rows.append(row)
    print("## One network, 50 epochs, one core, in milliseconds\n")
    print(table(["network", "weights", "fast trainer", "limit", "of the limit", *others], rows))
