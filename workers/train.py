"""Training of experiments into stored rows: the function that every worker runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from pruning.connectivity import Connectivity, effective_mask
from pruning.functional_sparsity import FunctionalSparsity
from pruning.validation import extras_text
from search.columns import names_of
from search.experiment import Experiment
from search.layers import StoredInit
from search.methods import METHODS, method_named
from search.process_state import standard_state
from search.schema import RESULT_SCHEMA
from search.specification import specification_row
from workers.datasets import Dataset, load_dataset
from workers.fast import train_fast
from workers.kernel.instruction_set import backend_name
from workers.kernel.measure import evaluate_layers
from workers.prunability import Prunability, prunability
from workers.trained import Trained

Device = Literal["cpu", "cuda"]

Trainer = Callable[[Sequence[Experiment], Dataset, Mapping[str, StoredInit], bool], list[Trained]]

STUDY_COLUMNS = (*names_of("position"), "sweep_id")
"""Columns that locate an experiment in its study and sweep; `workers.task` adds them."""

OUTCOME_SCHEMA = pa.schema([field for field in RESULT_SCHEMA if field.name not in STUDY_COLUMNS])
"""Schema of what `train_batch` returns: a stored result without `STUDY_COLUMNS`."""

MAX_TARGET_RATIO = 1.5
"""Weights that a plug-in's method may keep, as a multiple of its target. The project's own methods
are exempt: ties make the authors' SNIP keep up to 3.5 times its target, and rows must stay as
published."""


class Backend(NamedTuple):
    """A trainer and its name in the column `backend`."""

    name: str
    train: Trainer


def backend_for(device: Device) -> Backend:
    """Return the trainer of a device; a ValueError if torch finds no CUDA device for "cuda"."""
    if device == "cpu":
        return Backend(backend_name(), train_fast)
    # Imported late: torch takes seconds and 200 MB, which a CPU worker does not need.
    import torch

    from workers.torch_batch import train_torch

    if not torch.cuda.is_available():
        raise ValueError("device cuda is unavailable: torch finds no CUDA device on this machine")

    # Without curves: train_batch sends experiments that need them to the CPU.
    return Backend(
        "torch-cuda",
        lambda experiments, dataset, inits, curves: train_torch(
            experiments, dataset, "cuda", inits
        ),
    )


def train_batch(
    experiments: Sequence[Experiment],
    inits: Mapping[str, StoredInit] | None = None,
    device: Device = "cpu",
    *,
    curves: bool = False,
) -> pa.RecordBatch:
    """Train experiments and return one row for each, in the order given.

    On the CPU a row is a pure function of its experiment: apart from train_ms, it has the same bits
    whatever it is trained with, on all processors of one instruction set.

    Args:
        experiments: experiments of any methods.
        inits: stored initialisations by token.
        device: device to train on. Methods whose masks change during training, and all trainings
            with curves, run on the CPU regardless; the column `backend` names the trainer used.
        curves: also measure loss and accuracy at the end of every epoch. Methods that prune
            adaptively have no curves.

    Returns:
        A record batch of `OUTCOME_SCHEMA`. A diverged training has status "diverged"; one whose
        plug-in method kept far more weights than its target has status "failed". Both have NULL
        metrics and NULL weights.

    Raises:
        ValueError: an experiment cannot be carried out: unknown data set or method, a mask or a
            target that does not fit, a missing initialisation, or an unavailable device.
        RuntimeError: the processor flushes subnormal numbers to zero.
    """
    preferred = backend_for(device)
    cpu = backend_for("cpu")
    groups: dict[tuple[str, Backend], list[int]] = {}
    for i, experiment in enumerate(experiments):
        backend = cpu if curves or needs_cpu(experiment) else preferred
        groups.setdefault((experiment.dataset, backend), []).append(i)
    rows: dict[int, dict[str, object]] = {}
    with standard_state():
        for (name, backend), members in groups.items():
            chosen = [experiments[i] for i in members]
            dataset = load_dataset(name)
            if dataset.name != name:
                raise ValueError(f"data set {name!r} is called {dataset.name!r} in experiments")
            results = backend.train(chosen, dataset, inits or {}, curves)
            prunable = prunability(results, dataset)
            tests = _tested(results, dataset)
            for i, experiment, result, counts, test in zip(
                members, chosen, results, prunable, tests, strict=True
            ):
                rows[i] = specification_row(experiment)
                rows[i] |= _outcome_row(experiment, result, counts, test, backend.name, dataset)
    in_order = [rows[i] for i in range(len(experiments))]
    return pa.RecordBatch.from_pylist(in_order, schema=OUTCOME_SCHEMA)


def _tested(networks: Sequence[Trained], dataset: Dataset) -> list[dict[str, object]]:
    """Return the columns measured on the test split of each network; empty without a split.

    The CPU kernel measures the networks of all trainers.
    """
    columns: list[dict[str, object]] = [{} for _ in networks]
    finite = [i for i, network in enumerate(networks) if not network.diverged]
    if dataset.test is not None and finite:
        points = len(dataset.test)
        measured = evaluate_layers([networks[i].layers for i in finite], dataset.test)
        for i, loss, hits in zip(finite, measured.losses, measured.hits, strict=True):
            columns[i] = {"test_accuracy": hits / points, "test_loss": loss / points}
    return columns


def needs_cpu(experiment: Experiment) -> bool:
    """Return whether only the CPU can train an experiment: its masks change during training."""
    return method_named(experiment.method).masks_change(experiment)


def failed_outcome(reason: str, backend: str, train_ms: float = 0.0) -> dict[str, object]:
    """Return the outcome columns of an experiment that could not be trained."""
    # No layers: the inputs depend on the data set, which perhaps could not be loaded.
    outcome = {"status": "failed", "reason": reason, "layers": []}
    return {**outcome, "backend": backend, "train_ms": train_ms}


def _outcome_row(
    experiment: Experiment,
    trained: Trained,
    prunable: Prunability,
    test: Mapping[str, object],
    backend: str,
    dataset: Dataset,
) -> dict[str, object]:
    kept, target = len(trained.weights), experiment.target_nnz
    if target is not None and experiment.method not in METHODS and kept > MAX_TARGET_RATIO * target:
        reason = f"method {experiment.method!r} kept {kept} weights, but its target is {target}"
        return failed_outcome(reason, backend, trained.train_ms)
    row: dict[str, object] = {
        "layers": trained.sizes,
        "backend": backend,
        "train_ms": trained.train_ms,
        "steps": trained.steps,
        "edge_updates": trained.edge_updates,
        "extras": extras_text(experiment.method, trained.extras),
        "dataset_digest": dataset.digest,
    }
    if trained.diverged:
        reason = "the loss or a parameter became infinite or NaN"
        return row | {"status": "diverged", "reason": reason}
    weights, biases = zip(*trained.layers, strict=True)
    effective = effective_mask(weights)
    connectivity = Connectivity.of(weights, biases, effective)
    weight_nnz = int(np.count_nonzero(trained.weights))
    return row | {
        "status": "ok" if connectivity.connection == "path" else "collapsed",
        "accuracy": trained.accuracy,
        "loss": trained.loss,
        **test,
        "weight_nnz": weight_nnz,
        "model_nnz": weight_nnz + int(np.count_nonzero(trained.biases)),
        **vars(connectivity),
        **vars(FunctionalSparsity.of(effective, trained.active_points, len(dataset))),
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
