"""Training time per network: the fast trainer compared with torch, batched and one at a time.

Times are processor time of one core for 50 epochs of one network. The trainers alternate, and each
ratio is between two times measured one directly after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, islice, pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.machine import STEPS, peak_flops, training_flops
from benchmarks.report import table
from search.experiment import Experiment
from search.structure import Structure
from workers.datasets import load_dataset
from workers.torch_batch import train_torch
from workers.train import train_batch

STRUCTURES = ((3, 2, 2), (3, 3, 3), (7, 3, 3), (16, 16, 16))
ROUNDS = 3
NETWORKS = 256
STREAMS = 8
"""Number of data orders: 32 networks share each. In a task of phase 2 about 27 do on an idle
machine, fewer on a busy one."""


def experiments(structure: tuple[int, ...]) -> list[Experiment]:
    """Return NETWORKS different experiments of 50 epochs in STREAMS data orders."""
    variants = (Experiment(structure=structure, lr=0.05 + n / 1_000_000) for n in count())
    sharing = (experiment for experiment in variants if experiment.order_stream < STREAMS)
    return list(islice(sharing, NETWORKS))


def fast_ms(structure: tuple[int, ...]) -> float:
    """Time all of `train_batch`: initial weights, training, evaluation, rows."""
    batch = experiments(structure)[: NETWORKS if max(structure) < 16 else 64]
    return _milliseconds(lambda: train_batch(batch)) / len(batch)


def bmm_torch_ms(structure: tuple[int, ...]) -> float:
    """Time 256 networks at once with bmm, autograd and SGD, scaled from 100 steps.

    The layout is that of nn.Linear, [networks, points, inputs] times [networks, inputs, outputs],
    with one shuffle per network.
    """
    dataset = load_dataset("cubist-spiral")
    points, labels = torch.tensor(dataset.points), torch.tensor(dataset.labels)
    parameters = []
    for n_in, n_out in pairwise((2, *structure, 1)):
        bound = n_in**-0.5
        parameters += [
            torch.empty(NETWORKS, rows, n_out).uniform_(-bound, bound).requires_grad_()
            for rows in (n_in, 1)
        ]
    optimiser = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)
    loss_of = nn.BCEWithLogitsLoss(reduction="sum")
    orders = torch.empty(NETWORKS, len(points), dtype=torch.int64)

    def shuffle() -> None:
        for order in orders:
            torch.randperm(len(points), out=order)

    def steps(number: int) -> None:
        for step in range(number):
            chosen = orders[:, 128 * step : 128 * step + 128]
            values = points[chosen]
            for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
                values = torch.relu(torch.baddbmm(bias, values, weight))
            logits = torch.baddbmm(parameters[-1], values, parameters[-2])[..., 0]
            optimiser.zero_grad()
            (loss_of(logits, labels[chosen]) / 128).backward()
            optimiser.step()

    shuffling = _milliseconds(shuffle) * 50 / NETWORKS
    steps(5)
    return shuffling + _milliseconds(lambda: steps(100)) / 100 * STEPS / NETWORKS


def turned_torch_ms(structure: tuple[int, ...]) -> float:
    """Time the same with points last and shared shuffles, which torch runs faster."""
    dataset = load_dataset("cubist-spiral")
    points = torch.tensor(dataset.points)
    labels = torch.tensor(dataset.labels)
    parameters = []
    for n_in, n_out in pairwise((2, *structure, 1)):
        bound = n_in**-0.5
        parameters += [
            torch.empty(NETWORKS, *shape).uniform_(-bound, bound).requires_grad_()
            for shape in ((n_out, n_in), (n_out, 1))
        ]
    optimiser = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4)
    loss_of = nn.BCEWithLogitsLoss(reduction="sum")
    orders = torch.stack([torch.randperm(len(points)) for _ in range(STREAMS)])
    stream = torch.arange(NETWORKS) % STREAMS

    def steps(number: int) -> None:
        for step in range(number):
            chosen = orders[:, 128 * step : 128 * step + 128][stream]
            values = points[chosen].transpose(1, 2)
            for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
                values = torch.relu(torch.baddbmm(bias, weight, values))
            logits = torch.baddbmm(parameters[-1], parameters[-2], values)[:, 0]
            optimiser.zero_grad()
            (loss_of(logits, labels[chosen]) / 128).backward()
            optimiser.step()

    steps(5)
    return _milliseconds(lambda: steps(100)) / 100 * STEPS / NETWORKS


def batched_torch_ms(structure: tuple[int, ...]) -> float:
    """Time `workers.torch_batch` on the CPU with 256 networks at once, scaled from 390 steps.

    It has a hand-written gradient and keeps all parameters in one tensor.
    """
    batch, dataset = experiments(structure), load_dataset("cubist-spiral")

    def steps(number: int) -> float:
        return _milliseconds(lambda: train_torch(batch, dataset, "cpu", {}, steps=number))

    # The difference of two runs cancels the fixed cost of setting up and evaluating.
    return (steps(410) - steps(20)) / 390 * STEPS / len(batch)


def plain_torch_ms(structure: tuple[int, ...]) -> float:
    """Time one network with nn.Linear, DataLoader and SGD, scaled from one epoch."""
    dataset = load_dataset("cubist-spiral")
    points, labels = torch.tensor(dataset.points), torch.tensor(dataset.labels)
    loader = DataLoader(TensorDataset(points, labels), batch_size=128, shuffle=True, drop_last=True)
    sizes = (2, *structure, 1)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    loss_of = nn.BCEWithLogitsLoss()

    def epoch() -> None:
        for batch, target in loader:
            optimiser.zero_grad()
            loss_of(network(batch)[:, 0], target).backward()
            optimiser.step()

    return _milliseconds(epoch) * 50


def run() -> None:
    """Print the table of ratios and the cost of a weight."""
    torch.set_num_threads(1)
    train_batch(experiments((3, 2, 2))[:1])
    others = {
        "torch: bmm, autograd": bmm_torch_ms,
        "torch: the same, points last": turned_torch_ms,
        "torch: `workers.torch_batch`": batched_torch_ms,
        "torch: one network, DataLoader": plain_torch_ms,
    }
    rows, weight_counts, fast_times = [], [], []
    for structure in STRUCTURES:
        turns = [
            [trainer_ms(structure) for trainer_ms in (fast_ms, *others.values())]
            for _ in range(ROUNDS)
        ]
        times = np.array(turns)
        fast = float(np.median(times[:, 0]))
        # The limit is measured at the same time: a core's clock depends on its neighbours' load.
        limit = 1000 * training_flops(structure) / peak_flops()
        sizes = (2, *structure, 1)
        weights = sum(a * b for a, b in pairwise(sizes))
        weight_counts.append(weights)
        fast_times.append(fast)
        row = [str(Structure(structure)), f"{fast:.2f}", f"{limit:.2f}", f"{limit / fast:.0%}"]
        for other in range(1, times.shape[1]):
            ratio = np.median(times[:, other] / times[:, 0])
            row.append(f"{np.median(times[:, other]):,.0f} = {ratio:,.0f} times")
        rows.append(row)
    print("## One network, 50 epochs, one core, in milliseconds\n")
    print(table(["structure", "fast trainer", "limit", "of the limit", *others], rows))
    slope, fixed = np.polyfit(weight_counts, fast_times, 1)
    print(
        f"\nA training takes about {fixed:.2f} ms + {1000 * slope:.0f} us per weight; the fixed "
        f"cost equals {fixed / slope:.0f} weights."
    )


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)
