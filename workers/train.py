"""From experiments to stored rows: the one function that a worker is there for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from pruning.connectivity import Connectivity
from search.experiment import Experiment
from search.methods import method_named
from search.schema import RESULT_SCHEMA
from search.specification import specification_row
from workers.datasets import Dataset, load_dataset
from workers.fast import BACKEND, train_fast
from workers.initial import StoredInit
from workers.prunability import Prunability, prunability
from workers.trained import Trained

Device = Literal["cpu", "cuda"]

Trainer = Callable[[Sequence[Experiment], Dataset, Mapping[str, StoredInit], bool], list[Trained]]

STUDY_COLUMNS = ("study_index", "paper_group", "paper_run_id", "sweep_id")
"""Columns of a result that say where an experiment stands, not what it is: `workers.task` adds
them."""

OUTCOME_SCHEMA = pa.schema([field for field in RESULT_SCHEMA if field.name not in STUDY_COLUMNS])
"""What `train_batch` returns: a stored result without `STUDY_COLUMNS`."""


@dataclass(frozen=True)
class Backend:
    """A trainer and what `backend` says of its rows."""

    name: str
    train: Trainer


def backend_for(device: Device) -> Backend:
    """The trainer of a device.

    Raises:
        ValueError: "cuda", and there is no CUDA device that torch can use.
    """
    if device == "cpu":
        return Backend(BACKEND, train_fast)
    # Imported here: torch takes seconds and 200 MB that a CPU worker does not need.
    import torch

    from workers.torch_batch import train_torch

    if not torch.cuda.is_available():
        raise ValueError("device cuda was asked for, but torch finds no CUDA device here")

    def train(
        experiments: Sequence[Experiment],
        dataset: Dataset,
        inits: Mapping[str, StoredInit],
        curves: bool,
    ) -> list[Trained]:
        # train_batch sends what needs curves to the CPU.
        return train_torch(experiments, dataset, "cuda", inits)

    return Backend("torch-cuda", train)


def train_batch(
    experiments: Sequence[Experiment],
    inits: Mapping[str, StoredInit] | None = None,
    device: Device = "cpu",
    *,
    curves: bool = False,
) -> pa.RecordBatch:
    """Trains experiments and returns a row for each, in the order given.

    On the CPU a row is a pure function of its experiment: it has the same bits (but for train_ms)
    whatever it is trained with, on processors with one instruction set.

    Args:
        experiments: of any methods.
        inits: stored initialisations by token, for experiments that start from one.
        device: where to train. GMP, LTH and RigL, and whatever curves are asked of, are trained
            by the CPU all the same; the column `backend` says which it was.
        curves: measure loss and accuracy at the end of every epoch too.

    Returns:
        A record batch of `OUTCOME_SCHEMA`. A training that diverged is a row with status
        "diverged", NULL metrics and NULL weights.

    Raises:
        ValueError: an experiment cannot be carried out: unknown data set or method, a mask or a
            target that does not fit, a missing initialisation, no such device.
    """
    wanted = backend_for(device)
    cpu = backend_for("cpu")
    groups: dict[tuple[str, Backend], list[int]] = {}
    for i, experiment in enumerate(experiments):
        backend = cpu if curves or needs_cpu(experiment) else wanted
        groups.setdefault((experiment.dataset, backend), []).append(i)
    rows: dict[int, dict[str, object]] = {}
    for (name, backend), places in groups.items():
        chosen = [experiments[i] for i in places]
        dataset = load_dataset(name)
        results = backend.train(chosen, dataset, inits or {}, curves)
        prunable = prunability(results, dataset)
        for i, experiment, result, more in zip(places, chosen, results, prunable, strict=True):
            rows[i] = specification_row(experiment) | _outcome_row(result, more, backend.name)
    in_order = [rows[i] for i in range(len(experiments))]
    return pa.RecordBatch.from_pylist(in_order, schema=OUTCOME_SCHEMA)


def needs_cpu(experiment: Experiment) -> bool:
    """Whether its masks change during training, which only the CPU's trainer does."""
    return method_named(experiment.method).masks_change


def _outcome_row(trained: Trained, prunable: Prunability, backend: str) -> dict[str, object]:
    row: dict[str, object] = {
        "layers": trained.sizes,
        "backend": backend,
        "train_ms": trained.train_ms,
    }
    if trained.diverged:
        reason = "the loss or a parameter became infinite or NaN"
        return row | {"status": "diverged", "reason": reason}
    weights, biases = zip(*trained.layers, strict=True)
    connectivity = Connectivity.of(weights, biases)
    weight_nnz = int(np.count_nonzero(trained.weights))
    return row | {
        "status": "ok" if connectivity.connection == "path" else "collapsed",
        "accuracy": trained.accuracy,
        "loss": trained.loss,
        "weight_nnz": weight_nnz,
        "model_nnz": weight_nnz + int(np.count_nonzero(trained.biases)),
        **vars(connectivity),
        "prunable_own": prunable.own,
        "prunable_95": prunable.to_95,
        "prunable_995": prunable.to_995,
        "epoch_loss": [loss for _, loss in trained.curve] or None,
        "epoch_accuracy": [accuracy for accuracy, _ in trained.curve] or None,
        "weight_index": trained.weight_index,
        "weights": trained.weights,
        "bias_index": trained.bias_index,
        "biases": trained.biases,
    }
