"""How fast one network is trained: the fast trainer, batched torch and a plain torch loop.

Times are processor time of one core for 50 epochs of one network. The contestants take turns, and
a ratio is that of two times measured one right after the other.
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
from workers.datasets import load_dataset
from workers.torch_batch import train_torch
from workers.train import train_batch

STRUCTURES = ((3, 2, 2), (3, 3, 3), (7, 3, 3), (16, 16, 16))
ROUNDS = 3
NETWORKS = 256
STREAMS = 16
"""The fast trainer is handed as many networks of each data order as a task of the search has."""


def experiments(structure: tuple[int, ...]) -> list[Experiment]:
    """NETWORKS different experiments in STREAMS data orders, all of 50 epochs."""
    variants = (Experiment(structure=structure, lr=0.05 + n / 1_000_000) for n in count())
    few = (experiment for experiment in variants if experiment.order_stream < STREAMS)
    return list(islice(few, NETWORKS))


def fast_ms(structure: tuple[int, ...]) -> float:
    """All of `train_batch`: initial weights, training, evaluation, rows."""
    batch = experiments(structure)[: NETWORKS if max(structure) < 16 else 64]
    return _milliseconds(lambda: train_batch(batch)) / len(batch)


def batched_torch_ms(structure: tuple[int, ...]) -> float:
    """`workers.torch_batch` on the CPU, 256 networks at once, scaled from 100 steps."""
    batch, dataset = experiments(structure), load_dataset("cubist-spiral")

    def steps(number: int) -> float:
        return _milliseconds(lambda: train_torch(batch, dataset, "cpu", {}, steps=number))

    # Twice, so that what does not grow with the steps (setting up, evaluating) falls out.
    return (steps(120) - steps(20)) / 100 * STEPS / len(batch)


def plain_torch_ms(structure: tuple[int, ...]) -> float:
    """One network, nn.Linear, DataLoader and SGD as tutorials have it, scaled from one epoch."""
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
    """Prints the table of ratios and the cost of a weight."""
    torch.set_num_threads(1)
    train_batch(experiments((3, 2, 2))[:1])
    rows, weight_counts, fast_times = [], [], []
    for structure in STRUCTURES:
        turns = [
            (fast_ms(structure), batched_torch_ms(structure), plain_torch_ms(structure))
            for _ in range(ROUNDS)
        ]
        fast, batched, plain = (float(np.median(column)) for column in zip(*turns, strict=True))
        # The limit is measured now as well: a core's clock changes with what its neighbours do.
        limit = 1000 * training_flops(structure) / peak_flops()
        sizes = (2, *structure, 1)
        weights = sum(a * b for a, b in pairwise(sizes))
        weight_counts.append(weights)
        fast_times.append(fast)
        batched_ratio = np.median([turn[1] / turn[0] for turn in turns])
        plain_ratio = np.median([turn[2] / turn[0] for turn in turns])
        rows.append(
            [
                "x".join(map(str, structure)),
                f"{fast:.2f}",
                f"{batched:.0f}",
                f"{plain:,.0f}",
                f"{batched_ratio:.0f}",
                f"{plain_ratio:,.0f}",
                f"{limit:.2f}",
                f"{limit / fast:.0%}",
            ]
        )
    print("## One network, 50 epochs, one core\n")
    titles = ["structure", "fast ms", "batched torch ms", "plain torch ms"]
    titles += ["times batched", "times plain", "limit ms", "of the limit"]
    print(table(titles, rows))
    slope, fixed = np.polyfit(weight_counts, fast_times, 1)
    print(
        f"\nTime is about {fixed:.2f} ms + {1000 * slope:.0f} us a weight: "
        f"a step's fixed cost is that of {fixed / slope:.0f} weights."
    )


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)
