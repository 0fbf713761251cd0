"""Trainings with the reference trainer, one line each, for `benchmarks.fidelity`.

    python -m benchmarks.reference_runs runs/reference.jsonl --networks 120

A training takes a few seconds. New lines are appended; existing ones are not trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.reference import train_reference

CASES = {
    "7x3x3 dense": Experiment(structure=(7, 3, 3), lr=0.05, schedule="cosine"),
    "3x3x3 dense": Experiment(structure=(3, 3, 3), lr=0.1, schedule="step"),
    "6x3x2 masked": Experiment(
        structure=(6, 3, 2),
        masks=("11|11|11|10|10|01", "111100|110011|101010", "111|011"),
        lr=0.05,
        schedule="constant",
    ),
    "iris 4x3": Experiment(
        dataset="iris", structure=(4, 3), batch_size=16, lr=0.1, schedule="step"
    ),
    "digits 8x8": Experiment(dataset="digits", structure=(8, 8), lr=0.1, schedule="cosine"),
    "mnist-1d 12x8x8x6": Experiment(
        dataset="mnist-1d", structure=(12, 8, 8, 6), lr=0.05, schedule="constant"
    ),
}
"""The configurations compared: on the Cubist Spiral two dense structures and a masked one, and on
three tasks of several classes one of another depth each. Both use each schedule once."""


def replicate(case: Experiment, number: int) -> Experiment:
    """Return the same specification with different initial weights and data orders."""
    return replace(case, replicate=number)


def read_runs(path: Path) -> dict[str, dict[int, float]]:
    """Read the accuracies by case and replicate."""
    runs: dict[str, dict[int, float]] = {name: {} for name in CASES}
    if path.exists():
        for line in path.read_text().splitlines():
            run = json.loads(line)
            runs[run["case"]][run["replicate"]] = run["accuracy"]
    return runs


def main() -> None:
    """Train what the file does not contain yet, alternating between the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--networks", type=int, default=120)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=[*CASES], metavar="CASE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.path.parent.mkdir(parents=True, exist_ok=True)
    done = read_runs(arguments.path)
    for number in range(arguments.networks):
        for name in arguments.cases:
            case = CASES[name]
            if number in done[name]:
                continue
            start = time.perf_counter()
            trained = train_reference(replicate(case, number), load_dataset(case.dataset))
            run = {
                "case": name,
                "replicate": number,
                "accuracy": trained.accuracy,
                "seconds": round(time.perf_counter() - start, 2),
            }
            with arguments.path.open("a") as file:
                file.write(json.dumps(run) + "\n")


if __name__ == "__main__":
    main()
