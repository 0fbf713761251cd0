"""Compare the fast trainer's networks with the reference trainer's and with the authors'.

    SPARSEST_SHARED=FOLDER python -m benchmarks.fidelity authors
    python -m benchmarks.fidelity train runs/reference.jsonl --networks 102
    python -m benchmarks.fidelity reference runs/reference.jsonl
    python -m benchmarks.fidelity orders

The comparison is of distributions of accuracy and of numbers of nonzeros: single trainings are
chaotic (a change in the last bit moves one network from 50 % to 99 %). FOLDER/reference_runs.jsonl
has one line per training with the authors' code; a path after `authors` names another file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.distributions import (
    Accuracies,
    accuracy_table,
    chances,
    count_table,
    frequencies,
    holm,
    verdict,
)
from benchmarks.report import table
from pruning.masks import explicit_masks
from search.experiment import Experiment
from search.structure import Structure
from workers.datasets import load_dataset
from workers.fast import train_networks
from workers.initial import starting_network
from workers.kernel.measure import evaluate_networks
from workers.kernel.packing import pack, topology
from workers.reference import train_reference
from workers.train import train_batch

NETWORKS = 600
"""Number of trainings by the fast trainer for each comparison with the authors'."""

_SHARED = Path(os.environ.get("SPARSEST_SHARED", Path(__file__).resolve().parents[1] / "shared"))
AUTHORS_RUNS = _SHARED / "reference_runs.jsonl"
"""Trainings with the authors' code, in the folder that SPARSEST_SHARED names (CONTRIBUTING.md)."""

SHARING = 16
"""Number of networks that share a data order in the third comparison, as in a search task."""


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

COLUMNS = ("accuracy", "weight_nnz", "model_nnz")

Outcomes = dict[str, Any]
"""Column -> array [trainings] of the outcomes of repeated trainings of one configuration."""


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


def outcomes_of(rows: Sequence[Mapping[str, Any]]) -> Outcomes:
    """Return the outcomes in some rows."""
    return {name: np.array([row[name] for row in rows]) for name in COLUMNS}


def authors_runs(path: Path) -> dict[str, tuple[Experiment, Outcomes]]:
    """Read the trainings with the authors' code: each configuration and its outcomes, by name.

    Each line is {"config": {"method", "lr", "schedule", "structure", ...}, "accuracy",
    "weight_nnz", "model_nnz", ...}.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text().splitlines():
        run = json.loads(line)
        found.setdefault(json.dumps(run["config"]), []).append(run)
    configurations = {}
    for text, runs in found.items():
        config = json.loads(text)
        structure = config.pop("structure", None)
        if structure is None:
            network = f"{config['method']}, width {config['width']}, target {config['target_nnz']}"
        else:
            network = f"{structure} dense"
            config["structure"] = Structure.parse(structure)
        case = Experiment(**config)
        name = f"{network}, {case.schedule}, learning rate {case.lr}"
        configurations[name] = case, outcomes_of(runs)
    return configurations


def our_runs(experiments: Sequence[Experiment]) -> Outcomes:
    """Train the experiments with the fast trainer."""
    return outcomes_of(train_batch(list(experiments)).select(COLUMNS).to_pylist())


def sharing_accuracies(case: Experiment) -> Accuracies:
    """Return float64 [NETWORKS], accuracies of replicates in groups that share a data order."""
    dataset = load_dataset(case.dataset)
    sizes = dataset.features, dataset.outputs
    found = []
    for first in range(0, NETWORKS, SHARING):
        group = [replicate(case, 10_000 + first + n) for n in range(SHARING)]
        shapes = [topology(explicit_masks(experiment, *sizes)) for experiment in group]
        networks = pack(shapes, [starting_network(experiment, {}, *sizes) for experiment in group])
        # The kernel follows the data order of the group's first experiment.
        train_networks(networks, group, dataset)
        found += evaluate_networks(networks, dataset)[1]
    return np.array(found) / len(dataset)


def compare(title: str, names: tuple[str, str], samples: tuple[Accuracies, Accuracies]) -> None:
    """Print both distributions of accuracy and the test's result."""
    print(f"\n### {title}\n\n{accuracy_table(names, samples)}\n")
    print(verdict(*samples, chances(*samples)))


def compare_authors(path: Path) -> None:
    """Print the authors' trainings and ours, one section per configuration."""
    print("## The authors' code and the fast trainer")
    names = ("authors", "fast trainer")
    overview: list[list[str]] = []
    tested: list[float] = []
    for title, (case, theirs) in authors_runs(path).items():
        ours = our_runs([replicate(case, n) for n in range(NETWORKS)])
        accuracies = theirs["accuracy"], ours["accuracy"]
        by_chance = chances(*accuracies)
        print(f"\n### {title}\n\n{accuracy_table(names, accuracies)}\n")
        print(verdict(*accuracies, by_chance))
        row = [title, str(len(accuracies[0])), str(NETWORKS), _in_short(by_chance)]
        tested += by_chance
        for name in COLUMNS[1:]:
            counts = theirs[name], ours[name]
            if len(np.unique(np.concatenate(counts))) == 1:
                print(f"\n{name}: {counts[0][0]} in all trainings, the authors' and ours.")
                row.append("the same")
                continue
            by_chance = chances(*counts)
            print(f"\n{count_table(names, name, counts)}\n\n{verdict(*counts, by_chance)}")
            print(
                f"{name}: authors {frequencies(counts[0])}; here {frequencies(counts[1])}.",
                flush=True,
            )
            row.append(_in_short(by_chance))
            tested += by_chance
        overview.append(row)
    print("\n### All together: p of the largest gap / of the means\n")
    head = ["configuration", "authors' trainings", "ours", "accuracy", "weight_nnz", "model_nnz"]
    print(table(head, overview))
    smallest = [f"{value:.2g}" for value in sorted(tested)[:3]]
    print(
        f"\n{len(tested)} p values; the three smallest are {', '.join(smallest)}, and the smallest "
        f"becomes {min(holm(tested)):.2g} after Holm's correction."
    )


def _in_short(by_chance: tuple[float, float]) -> str:
    return " / ".join(f"{value:.2g}" for value in by_chance)


def train_references(path: Path, networks: int, cases: Sequence[str]) -> None:
    """Train with the reference trainer what the file lacks, alternating between the cases.

    A training takes a few seconds, and each adds a line to the file.
    """
    torch.set_num_threads(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    done = read_runs(path)
    for number in range(networks):
        for name in cases:
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
            with path.open("a") as file:
                file.write(json.dumps(run) + "\n")


def compare_reference(path: Path) -> None:
    """Print the reference trainer's networks and the fast trainer's of the same experiments."""
    print("## The reference trainer and the fast trainer, same experiments")
    for name, runs in read_runs(path).items():
        if not runs:
            continue
        experiments = [replicate(CASES[name], number) for number in sorted(runs)]
        reference = np.array([runs[number] for number in sorted(runs)])
        ours = our_runs(experiments)["accuracy"]
        same = np.mean(np.abs(reference - ours) < 0.001)
        title = f"{name}, {CASES[name].schedule}, learning rate {CASES[name].lr}"
        compare(title, ("reference", "fast trainer"), (reference, ours))
        print(f"{same:.0%} of the trainings ended within 0.1 % of one another.")


def compare_orders() -> None:
    """Print trainings with separate data orders and trainings that share one."""
    print("## Separate and shared data orders")
    for name, case in CASES.items():
        own = our_runs([replicate(case, 1_000 + n) for n in range(NETWORKS)])["accuracy"]
        compare(name, ("own order", "shared by 16"), (own, sharing_accuracies(case)))


def main() -> None:
    """Print one of the comparisons as Markdown, or train with the reference trainer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    beside_authors = parts.add_parser("authors", help="compare with the authors' code")
    beside_authors.add_argument("path", type=Path, nargs="?", default=AUTHORS_RUNS)
    parts.add_parser("reference", help="compare with plain torch").add_argument("path", type=Path)
    training = parts.add_parser("train", help="train for the comparison with plain torch")
    training.add_argument("path", type=Path)
    training.add_argument("--networks", type=int, default=120)
    training.add_argument("--cases", nargs="+", choices=CASES, default=[*CASES], metavar="CASE")
    parts.add_parser("orders", help="compare separate and shared data orders")
    arguments = parser.parse_args()
    if arguments.part == "authors":
        if not arguments.path.is_file():
            sys.exit(f"no {arguments.path}: name its folder in SPARSEST_SHARED, or its path")
        compare_authors(arguments.path)
    elif arguments.part == "reference":
        compare_reference(arguments.path)
    elif arguments.part == "train":
        train_references(arguments.path, arguments.networks, arguments.cases)
    else:
        compare_orders()


if __name__ == "__main__":
    main()
