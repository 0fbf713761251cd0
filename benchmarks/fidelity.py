"""Do the fast trainer's networks turn out as the reference's and as the authors' own do?

    python -m benchmarks.reference_runs runs/reference.jsonl --networks 102
    python -m benchmarks.fidelity runs/reference.jsonl AUTHORS.jsonl

Single trainings cannot be compared (a last bit sends one network from 50 % to 99 %), so the
distributions of accuracy are. AUTHORS.jsonl has a line for each training with the authors' code:
{"config": {"method", "lr", "schedule", "structure", ...}, "accuracy", ...}.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.reference_runs import CASES, read_runs, replicate
from benchmarks.report import table
from pruning.given import given_masks
from pruning.registry import METHODS
from search.experiment import Experiment
from workers.datasets import load_dataset
from workers.fast import train_networks
from workers.initial import starting_network
from workers.measure import evaluate_networks
from workers.packing import pack, topology
from workers.simd import BLOCK, aligned_zeros
from workers.train import train_batch

NETWORKS = 600
"""Trainings by the fast trainer for each comparison with the authors'."""

SHARING = 16
"""Networks that share a data order in the third comparison, as in a task of the search."""

PERMUTATIONS = 20_000

Accuracies = NDArray[np.float64]


def accuracies(experiments: Sequence[Experiment]) -> Accuracies:
    """float64 [experiments], by the fast trainer."""
    return _accuracies(train_batch(list(experiments)))


def _accuracies(rows: pa.RecordBatch) -> Accuracies:
    return np.array(rows.column("accuracy").to_pylist(), np.float64)


def sharing_accuracies(case: Experiment) -> Accuracies:
    """float64 [NETWORKS]: replicates that share one data order by SHARING each."""
    dataset = load_dataset("cubist-spiral")
    found = []
    for first in range(0, NETWORKS, SHARING):
        group = [replicate(case, 10_000 + first + n) for n in range(SHARING)]
        shapes = [topology(given_masks(experiment, 2)) for experiment in group]
        networks = pack(shapes, [starting_network(experiment, {}) for experiment in group])
        workspace = aligned_zeros((shapes[0].hidden + 1) * BLOCK)
        # The kernel follows the data order of the group's first experiment.
        train_networks(networks, group, dataset, workspace)
        found += evaluate_networks(networks, dataset, workspace)[1]
    return np.array(found) / len(dataset)


def largest_gap(one: Accuracies, other: Accuracies) -> float:
    """The Kolmogorov-Smirnov statistic: the largest distance of the two distributions."""
    values = np.concatenate([one, other])
    below_one = np.searchsorted(np.sort(one), values, side="right") / len(one)
    below_other = np.searchsorted(np.sort(other), values, side="right") / len(other)
    return float(np.abs(below_one - below_other).max())


def chance_of_gap(one: Accuracies, other: Accuracies) -> float:
    """How often two random halves of both samples lie as far apart: a permutation test."""
    rng = np.random.default_rng(0)
    values = np.concatenate([one, other])
    observed = largest_gap(one, other)
    as_far = 0
    for _ in range(PERMUTATIONS):
        rng.shuffle(values)
        as_far += largest_gap(values[: len(one)], values[len(one) :]) >= observed - 1e-12
    return (as_far + 1) / (PERMUTATIONS + 1)


def compare(titles: tuple[str, str], samples: tuple[Accuracies, Accuracies]) -> str:
    """Both distributions side by side, with the test's verdict."""
    quantiles = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
    head = ["", "n", "min", "10 %", "25 %", "median", "75 %", "90 %", "max"]
    head += ["at 50 %", "95 % and more", "99.5 % and more"]
    rows = []
    for title, sample in zip(titles, samples, strict=True):
        row = [title, str(len(sample))]
        row += [f"{value:.3f}" for value in np.quantile(sample, quantiles)]
        stuck = np.mean(np.abs(sample - 0.5) < 0.005)
        row += [f"{share:.1%}" for share in (stuck, *(np.mean(sample >= t) for t in (0.95, 0.995)))]
        rows.append(row)
    gap, chance = largest_gap(*samples), chance_of_gap(*samples)
    verdict = (
        f"\nLargest gap of the two distributions {gap:.3f}; by chance as large: p = {chance:.2f}."
    )
    return table(head, rows) + "\n" + verdict


@dataclass(frozen=True)
class AuthorsRuns:
    """Trainings of one configuration with the authors' code.

    Attributes:
        name: of the configuration, in words.
        case: the same as an experiment.
        accuracies: float64 [trainings].
        weights: weight_nnz of each training.
    """

    name: str
    case: Experiment
    accuracies: Accuracies
    weights: list[int]


def authors_runs(path: Path) -> list[AuthorsRuns]:
    """The configurations in a file of the authors' trainings that can be trained here."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text().splitlines():
        run = json.loads(line)
        if run["config"]["method"] in METHODS:
            found.setdefault(json.dumps(run["config"]), []).append(run)
    return [_configuration(json.loads(text), runs) for text, runs in found.items()]


def _configuration(config: dict[str, Any], runs: list[dict[str, Any]]) -> AuthorsRuns:
    structure = config.pop("structure", None)
    if structure is None:
        what = f"{config['method']}, width {config['width']}, target {config['target_nnz']}"
        case = Experiment(**config)
    else:
        what = f"{structure} dense"
        case = Experiment(**config, structure=tuple(map(int, structure.split("x"))))
    return AuthorsRuns(
        name=f"{what}, {case.schedule}, learning rate {case.lr}",
        case=case,
        accuracies=np.array([run["accuracy"] for run in runs]),
        weights=[run["weight_nnz"] for run in runs],
    )


def counted(weights: Sequence[int]) -> str:
    """How often each number of weights was left."""
    counts = sorted(Counter(weights).items())
    return ", ".join(f"{number} ({times / len(weights):.0%})" for number, times in counts)


def main() -> None:
    """Prints all comparisons as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reference", type=Path)
    parser.add_argument("authors", type=Path)
    arguments = parser.parse_args()
    print("## The authors' code and the fast trainer")
    for authors in authors_runs(arguments.authors):
        rows = train_batch([replicate(authors.case, n) for n in range(NETWORKS)])
        samples = (authors.accuracies, _accuracies(rows))
        print(f"\n### {authors.name}\n\n{compare(('authors', 'fast trainer'), samples)}")
        ours = rows.column("weight_nnz").to_pylist()
        print(f"Weights left: authors {counted(authors.weights)}; here {counted(ours)}.")
    print("\n## The reference trainer and the fast trainer, same experiments")
    for name, runs in read_runs(arguments.reference).items():
        experiments = [replicate(CASES[name], number) for number in sorted(runs)]
        reference = np.array([runs[number] for number in sorted(runs)])
        ours = accuracies(experiments)
        same = np.mean(np.abs(reference - ours) < 0.001)
        title = f"{name}, {CASES[name].schedule}, learning rate {CASES[name].lr}"
        print(f"\n### {title}\n\n{compare(('reference', 'fast trainer'), (reference, ours))}")
        print(f"{same:.0%} of the trainings ended within 0.1 % of one another.")
    print("\n## Data orders of their own and shared ones")
    for name, case in CASES.items():
        own = accuracies([replicate(case, 1_000 + n) for n in range(NETWORKS)])
        shared = sharing_accuracies(case)
        print(f"\n### {name}\n\n{compare(('own order', 'shared by 16'), (own, shared))}")


if __name__ == "__main__":
    main()
