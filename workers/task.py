"""A task: a set of one study's experiments, trained in one go by one worker."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

import pyarrow as pa

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from search.specification import specification_row
from search.study import Study
from workers.initial import StoredInit
from workers.train import Device, train_batch


@dataclass(frozen=True)
class Task:
    """What a worker is handed: small, whatever the number of experiments.

    Attributes:
        study: the study, from which the worker makes the experiments itself.
        indices: which of them.
        sweep_id: goes into every row.
        attempt: how often the same task has failed before.
        curves: measure every training at the end of each epoch too.
        suspect: whether it is a part of a task that failed.
        losses: how often it was lost together with its machine.
        packages: (name, version) of the packages whose plug-ins the sweep was begun with.
    """

    study: Study
    indices: IndexSet
    sweep_id: str
    attempt: int = 0
    curves: bool = False
    suspect: bool = False
    losses: int = 0
    packages: tuple[tuple[str, str], ...] = ()


def run_task(task: Task, inits: Mapping[str, StoredInit], device: Device) -> pa.RecordBatch:
    """Trains a task's experiments.

    Returns:
        A record batch of `search.schema.RESULT_SCHEMA`, one row an index, ascending.

    Raises:
        ValueError: as `workers.train.train_batch`, or a package is missing here or is another
            version than the sweep was begun with.
    """
    for package, version in task.packages:
        _require(package, version)
    experiments = [task.study[index] for index in task.indices]
    outcome = train_batch(experiments, inits, device, curves=task.curves)
    return _with_study(outcome, task)


def _require(package: str, version: str) -> None:
    """Makes sure that a package is installed on this machine as where the sweep was begun."""
    try:
        here = metadata.version(package)
    except metadata.PackageNotFoundError:
        here = "none"
    if here != version:
        raise ValueError(
            f"{platform.node()} has {here} of the package {package}, whose plug-ins the sweep uses "
            f"in version {version}: install that one on all machines"
        )


def failed_rows(task: Task, reason: str, backend: str) -> pa.RecordBatch:
    """Rows with status "failed" for experiments that could not be trained.

    Args:
        task: the experiments.
        reason: what went wrong, for the column `reason`.
        backend: where it was tried.
    """
    rows = []
    for index in task.indices:
        experiment = task.study[index]
        row = specification_row(experiment)
        row |= {"status": "failed", "reason": reason, "backend": backend, "train_ms": 0.0}
        # The inputs of a network are the data set's, which perhaps could not be loaded.
        row["layers"] = []
        rows.append(row)
    return _with_study(pa.RecordBatch.from_pylist(rows), task)


def _with_study(outcome: pa.RecordBatch, task: Task) -> pa.RecordBatch:
    """The rows with the columns that say where each stands in its study."""
    study, indices = task.study, list(task.indices)
    columns = {
        "study_index": indices,
        "paper_group": [study.paper_group] * len(indices),
        "paper_run_id": [study.paper_run_id(index) for index in indices],
        "sweep_id": [task.sweep_id] * len(indices),
    }
    arrays = []
    for field in RESULT_SCHEMA:
        if field.name in columns:
            arrays.append(pa.array(columns[field.name], field.type))
        elif field.name in outcome.schema.names:
            arrays.append(outcome.column(field.name).cast(field.type))
        else:
            arrays.append(pa.nulls(len(indices), field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT_SCHEMA)
