"""A task: experiments of one study that one worker trains together."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata

import pyarrow as pa

from search.dataset_files import DatasetFile, hold
from search.indices import IndexSet
from search.layers import StoredInit
from search.schema import RESULT_SCHEMA
from search.specification import specification_row
from search.study import Study
from workers.train import Device, failed_outcome, train_batch


@dataclass(frozen=True)
class Task:
    """The message to a worker; small, whatever the number of experiments.

    Attributes:
        study: the study, from which the worker makes the experiments itself.
        indices: indices of the experiments in the study.
        sweep_id: id of the sweep, for every row.
        curves: measure every training after each epoch too.
        packages: (name, version) of the packages whose plug-ins or data the sweep uses.
        parents: networks of other rows that these experiments start from, by token.
        files: data sets of the study that are in files of the user.
    """

    study: Study
    indices: IndexSet
    sweep_id: str
    curves: bool = False
    packages: tuple[tuple[str, str], ...] = ()
    parents: Mapping[str, StoredInit] = field(default_factory=dict)
    files: tuple[DatasetFile, ...] = ()


def run_task(task: Task, inits: Mapping[str, StoredInit], device: Device) -> pa.RecordBatch:
    """Return the rows of a task's experiments: `search.schema.RESULT_SCHEMA`, in ascending order.

    Errors are those of `workers.train.train_batch`, and a ValueError if a package is missing on
    this machine or has another version than the sweep's.
    """
    for package, version in task.packages:
        _require(package, version)
    hold(task.files)
    experiments = [task.study[index] for index in task.indices]
    outcome = train_batch(experiments, {**inits, **task.parents}, device, curves=task.curves)
    return _with_study(outcome, task)


def _require(package: str, version: str) -> None:
    """Raise unless this version of a package is installed on this machine."""
    try:
        installed = metadata.version(package)
    except metadata.PackageNotFoundError:
        installed = "none"
    if installed != version:
        raise ValueError(
            f"{platform.node()} has version {installed} of the package {package}, and the sweep "
            f"uses its version {version}: install that version on all machines"
        )


def failed_rows(task: Task, reason: str, backend: str) -> pa.RecordBatch:
    """Return rows with status "failed" for experiments that could not be trained."""
    outcome = failed_outcome(reason, backend)
    rows = [specification_row(task.study[index]) | outcome for index in task.indices]
    return _with_study(pa.RecordBatch.from_pylist(rows), task)


def _with_study(outcome: pa.RecordBatch, task: Task) -> pa.RecordBatch:
    """Return the rows with the columns on the study and the sweep."""
    study, indices = task.study, list(task.indices)
    columns = {
        "study_index": indices,
        "paper_group": [study.paper_group] * len(indices),
        "paper_run_id": [study.paper_run_id(index) for index in indices],
        "sweep_id": [task.sweep_id] * len(indices),
    }
    arrays = []
    for column in RESULT_SCHEMA:
        if column.name in columns:
            arrays.append(pa.array(columns[column.name], column.type))
        elif column.name in outcome.schema.names:
            arrays.append(outcome.column(column.name).cast(column.type))
        else:
            arrays.append(pa.nulls(len(indices), column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT_SCHEMA)
