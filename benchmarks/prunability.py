"""Cost of counting prunable weights, relative to training."""

from __future__ import annotations

from functools import partial

from benchmarks.report import table, timed
from search.catalogue import resolve
from workers.datasets import load_dataset
from workers.fast import train_fast
from workers.prunability import prunability

NETWORKS = {"phase1": 200, "phase2-95": 1_000, "phase2-995": 1_000}
"""Study -> number of experiments sampled, evenly spread."""


def run() -> None:
    """Print the milliseconds per network of training and of counting."""
    dataset = load_dataset("cubist-spiral")
    lines = []
    for name, number in NETWORKS.items():
        study = resolve(name)[0].study
        experiments = [study[index] for index in study.sample(number)]
        train_fast(experiments[:1], dataset, {})  # the first call compiles
        trained, train_s = timed(partial(train_fast, experiments, dataset, {}))
        prunability(trained, dataset)  # the first call compiles
        counts, count_s = timed(partial(prunability, trained, dataset))
        counted = sum(count.own is not None for count in counts)
        per_network = 1000 * train_s / number, 1000 * count_s / number
        lines.append([name, number, counted, *per_network, count_s / train_s])
    print("## Counting prunable weights: ms per network\n")
    columns = {"study": "", "networks": ",", "counted": ",", "training": ".2f", "counting": ".2f"}
    print(table(columns | {"share": ".1%"}, lines))
