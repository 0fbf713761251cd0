"""Rows as workers make them, for tests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from search.indices import IndexSet
from search.schema import RESULT_SCHEMA
from storage.log.entries import SweepBegin
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter

Row = dict[str, Any]


class Rows:
    """Makes rows; an experiment always gives the same row."""

    digest = hashlib.sha256(b"phase1").hexdigest()
    study = "phase1"
    sweep_id = "20240101T000000Z-abcdef"

    def row(self, index: int, **changes: object) -> Row:
        """Return the row of an experiment, with some columns changed."""
        study = str(changes.get("study", self.study))
        experiment = hashlib.blake2b(f"{study}/{index}".encode(), digest_size=16)
        generator = np.random.default_rng(index)
        row: Row = {
            "experiment_id": experiment.hexdigest(),
            "study": self.study,
            "study_index": index,
            "paper_group": "random",
            "paper_run_id": 18_955 + index,
            "method": "search",
            "dataset": "cubist-spiral",
            "width": 16,
            "structure": "2x2x1",
            "masks": ["10|01", "11|10"],
            "lr": 0.05,
            "schedule": "cosine",
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "batch_size": 128,
            "epochs": 50,
            "target_nnz": None,
            "target_accuracy": None,
            "hyperparameters": None,
            "init": "fresh",
            "init_scheme": None,
            "replicate": 0,
            "pair": None,
            "root_seed": 0,
            "status": "ok",
            "reason": None,
            "accuracy": generator.random(),
            "loss": generator.random(),
            "test_accuracy": None,
            "test_loss": None,
            "weight_nnz": 8,
            "model_nnz": 14,
            "effective_nnz": 8,
            "disconnected_nnz": 0,
            "layer_nnz": [2, 3, 2, 1],
            "used_neurons": [2, 2, 1],
            "connection": "path",
            "live_nnz": 8,
            "dead_neurons": 0,
            "linear_neurons": 0,
            "folded_nnz": 8,
            "prunable_own": None,
            "prunable_95": None,
            "prunable_995": None,
            "epoch_loss": None,
            "epoch_accuracy": None,
            "steps": 19_500,
            "edge_updates": 156_000,
            "extras": None,
            "dataset_digest": "0" * 16,
            "layers": [2, 2, 2, 1, 1],
            "weight_index": [0, 3, 4, 5, 6, 8, 9, 10],
            "weights": generator.normal(size=8).astype(np.float32).tolist(),
            "bias_index": [0, 1, 2, 3, 4, 5],
            "biases": generator.normal(size=6).astype(np.float32).tolist(),
            "backend": "numba",
            "train_ms": 8.5,
            "sweep_id": self.sweep_id,
        }
        return row | changes

    def diverged(self, index: int, **changes: object) -> Row:
        """Return the row of a training that diverged."""
        metrics = ("accuracy", "loss", "weight_nnz", "model_nnz", "effective_nnz")
        connectivity = ("disconnected_nnz", "layer_nnz", "used_neurons", "connection")
        functional = ("live_nnz", "dead_neurons", "linear_neurons", "folded_nnz")
        parameters = ("weight_index", "weights", "bias_index", "biases")
        missing = dict.fromkeys((*metrics, *connectivity, *functional, *parameters))
        return self.row(index, status="diverged") | missing | changes

    def batch(self, rows: Iterable[Row]) -> pa.RecordBatch:
        """Return rows as a batch of results."""
        return pa.RecordBatch.from_pylist(list(rows), schema=RESULT_SCHEMA)

    def range(self, start: int, stop: int, **changes: object) -> pa.RecordBatch:
        """Return the results of a range of experiments."""
        return self.batch(self.row(index, **changes) for index in range(start, stop))

    def begin(self, sweep_id: str | None = None) -> SweepBegin:
        """Return the start of a sweep with a fixed id."""
        return _begin().model_copy(update={"sweep_id": sweep_id or self.sweep_id})

    def append(self, writer: StoreWriter, start: int, stop: int, **changes: object) -> int:
        """Append a range of experiments of the study."""
        indices = IndexSet.of([(start, stop)])
        return writer.append(self.range(start, stop, **changes), self.digest, self.study, indices)


@cache
def _begin() -> SweepBegin:
    return describe_sweep(
        command="sparsest run phase1 mine.toml",
        studies=["phase1", "mine"],
        sweep_files={"mine.toml": hashlib.sha256(b"x").hexdigest()},
        device="cpu",
        workers=2,
        root_seed=7,
    )
