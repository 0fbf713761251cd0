"""Trainings with the authors' code, and trainings of the same configurations here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.distributions import Accuracies, Counts
from search.experiment import Experiment
from search.structure import Structure
from workers.train import train_batch


@dataclass(frozen=True)
class Sample:
    """Outcomes of repeated trainings of one configuration.

    Attributes:
        accuracies: float64 [trainings].
        weights: int64 [trainings], weight_nnz.
        parameters: int64 [trainings], model_nnz (biases included).
    """

    accuracies: Accuracies
    weights: Counts
    parameters: Counts

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]]) -> Sample:
        """Collect the sample from rows with accuracy, weight_nnz and model_nnz."""
        return cls(
            np.array([row["accuracy"] for row in rows], np.float64),
            np.array([row["weight_nnz"] for row in rows], np.int64),
            np.array([row["model_nnz"] for row in rows], np.int64),
        )


@dataclass(frozen=True)
class AuthorsRuns:
    """Trainings of one configuration with the authors' code.

    Attributes:
        name: description of the configuration.
        case: the configuration as an experiment.
        sample: outcomes of the trainings.
    """

    name: str
    case: Experiment
    sample: Sample


def authors_runs(path: Path) -> list[AuthorsRuns]:
    """Read the configurations in a file of the authors' trainings, in its order.

    Each line is {"config": {"method", "lr", "schedule", "structure", ...}, "accuracy",
    "weight_nnz", "model_nnz", ...}.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text().splitlines():
        run = json.loads(line)
        found.setdefault(json.dumps(run["config"]), []).append(run)
    return [_configuration(json.loads(text), runs) for text, runs in found.items()]


def _configuration(config: dict[str, Any], runs: list[dict[str, Any]]) -> AuthorsRuns:
    structure = config.pop("structure", None)
    if structure is None:
        network = f"{config['method']}, width {config['width']}, target {config['target_nnz']}"
        case = Experiment(**config)
    else:
        network = f"{structure} dense"
        case = Experiment(**config, structure=Structure.parse(structure))
    name = f"{network}, {case.schedule}, learning rate {case.lr}"
    return AuthorsRuns(name, case, Sample.of(runs))


def our_runs(experiments: Sequence[Experiment]) -> Sample:
    """Train the experiments with the fast trainer."""
    rows = train_batch(list(experiments))
    return Sample.of(rows.select(["accuracy", "weight_nnz", "model_nnz"]).to_pylist())
