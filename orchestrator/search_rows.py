"""The results of a search by a strategy: those that are stored, and those that have come back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from orchestrator.run_store import RunStore
from search.experiment import Experiment
from search.strategies.problem import Trial
from search.study import Study
from storage.reading.literals import sql_text

MAX_ROWS = 20_000
"""Maximum number of rows that are kept in memory for the networks that start from them."""

_COLUMNS = ("experiment_id", "accuracy", "loss", "weight_nnz")


class SearchRows:
    """The results of one study by experiment id, and the latest rows.

    Args:
        study: name of the study.
        store: the store, in which rows may wait to be committed.
    """

    def __init__(self, study: str, store: RunStore) -> None:
        self._store = store
        self._results: dict[str, tuple[float, float, int]] = {}
        self._latest: dict[str, tuple[pa.RecordBatch, int]] = {}
        if store.existing is not None:
            query = f"SELECT {', '.join(_COLUMNS)} FROM results WHERE study = {sql_text(study)}"
            self._note(store.reader.sql(query))

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows that have come back."""
        self._note(batch)
        names = batch.column("experiment_id").to_pylist()
        self._latest |= {name: (batch, position) for position, name in enumerate(names)}
        while len(self._latest) > MAX_ROWS:
            del self._latest[next(iter(self._latest))]

    def missing(self, experiments: Sequence[Experiment]) -> list[Experiment]:
        """Return the experiments without a result, each once."""
        different = {experiment.experiment_id: experiment for experiment in experiments}
        return [one for name, one in different.items() if name not in self._results]

    def trials(self, experiments: Sequence[Experiment]) -> list[Trial]:
        """Return the results of experiments."""
        return [Trial(one, *self._results[one.experiment_id]) for one in experiments]

    def row(self, experiment_id: str) -> Mapping[str, Any]:
        """Return a row of the search."""
        if experiment_id not in self._latest:
            self._store.writer.commit()
            return self._store.reader.row(experiment_id)
        batch, position = self._latest[experiment_id]
        row: Mapping[str, Any] = batch.slice(position, 1).to_pylist()[0]
        return row

    def parents(self, study: Study) -> dict[str, Mapping[str, Any]]:
        """Return the rows in memory that a study starts from; the others can be read afterwards."""
        needed = {parent.experiment_id for parent in study.parents}
        if not needed <= self._latest.keys() and needed & self._results.keys():
            self._store.writer.commit()
        return {name: self.row(name) for name in needed & self._latest.keys()}

    def _note(self, rows: pa.RecordBatch | pa.Table) -> None:
        columns = (rows.column(name).to_pylist() for name in _COLUMNS)
        for name, accuracy, loss, weights in zip(*columns, strict=True):
            self._results[name] = (
                accuracy if accuracy is not None else 0.0,
                loss if loss is not None else math.inf,
                weights or 0,
            )
