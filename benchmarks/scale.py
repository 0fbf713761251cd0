"""Cost of a sweep of 10^8 experiments for its driver, with instant workers.

python -m benchmarks scale                             # everything; takes minutes
python -m benchmarks.scale 100000000 --store runs/scale  # one sweep; keeps its store
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.report import table
from benchmarks.synthetic import (
    InstantExecutor,
    SyntheticRows,
    benchmark_sweep,
    drive_instantly,
    with_random_values,
)
from orchestrator.executor import Done, Outcome, TimeLimit
from orchestrator.planning.plan import make_plan, stored_before
from orchestrator.task_scheduler import LARGEST_TASK
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Product, Replicates, Table, axis
from search.id_set import IdSet
from search.indices import IndexSet
from search.study import Study
from storage import durable
from storage.data.new_parts import make_part
from storage.log.entries import RowsCommitted
from storage.writing.writer import StoreWriter
from workers.task import Task

SIZES = (10**6, 10**7, 10**8)

ROW_MS = 6.3
"""Simulated training time of an experiment in ms (docs/speed.md); it decides the size of tasks."""

FILE_ROWS = 16_384
"""Rows per data file, as `storage.writing.writer` makes them when rows arrive fast."""

GAPS = 3_000
"""Length of a run of experiments of which the resumed sweep lacks the last third."""


def run() -> None:
    """Print the driver's rate and memory at each size, and the cost of resuming."""
    complete = [_in_a_process(size) for size in SIZES]
    gaps = _in_a_process(SIZES[-1], "--gaps")
    print("## The driver with instant workers\n")
    print(table(_DRIVEN, [_line(figures, _DRIVEN) for figures in complete]))
    print(f"\n## A sweep of {SIZES[-1]:,} in which every third thousand is missing\n")
    print(table(_DRIVEN, [_line(figures, _DRIVEN) for figures in gaps["runs"]]))
    print("\n## Resuming\n")
    print(table(_RESUMED, [_line(f, _RESUMED) for f in [*complete, gaps["runs"][0]]]))
    print()
    _edited()


_DRIVEN = {
    "experiments": ",",
    "a second": ",.0f",
    "tasks": ",",
    "wall, s": ".1f",
    "processor, s": ".1f",
    "scheduler, s": ".1f",
    "store, s": ".1f",
    "display, s": ".1f",
    "memory before, MB": ".0f",
    "peak, MB": ".0f",
}

_RESUMED = {
    "experiments": ",",
    "log entries": ",",
    "MB of log": ".1f",
    "gaps": ",",
    "reading, s": ".2f",
    "plan, s": ".3f",
}


def _line(figures: dict[str, Any], columns: Iterable[str]) -> list[Any]:
    return [figures[title] for title in columns]


def _in_a_process(size: int, *options: str) -> dict[str, Any]:
    """Measure one sweep in a new process, so that its memory is not that of earlier ones."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.scale", str(size), *options]
        store = ["--store", str(Path(folder) / "store")]
        ended = subprocess.run([*command, *store], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


class _Slices(SyntheticRows):
    """Rows made once and sliced for each task."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._rows = batch

    def rows(self, task: Task) -> pa.RecordBatch:
        return self._rows.slice(0, len(task.indices))


class _AnyOrder(InstantExecutor):
    """An executor that answers tasks in random order and reports `ROW_MS` per row."""

    _random = random.Random(0)
    tasks = 0

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        self.tasks += 1
        self._waiting.rotate(self._random.randrange(len(self._waiting)))
        (outcome,) = super().wait(timeout_s, time_limit_s)
        assert isinstance(outcome, Done)
        return [replace(outcome, busy_s=len(outcome.job.task.indices) * ROW_MS / 1000)]


class _LinkedStore(StoreWriter):
    """A store of arbitrarily many rows of one study that takes little disk space.

    Lock, log, index sets, names and the calls that make a commit durable are real. All data files
    are hard links to one file, so nothing is encoded or written for them; `benchmarks.stores`
    measures their cost with the real writer. The files repeat some rows of `RESULT_SCHEMA`.
    """

    def __init__(self, path: Path, study: Study, templates: pa.RecordBatch) -> None:
        super().__init__(path, command="benchmark")
        self._study = study
        self._templates = templates
        self._first: RowsCommitted | None = None
        self._waiting = IndexSet()

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        """Count rows, and commit when there are enough for a data file."""
        repeated = (indices & self.state.stored(study_digest)) | (indices & self._waiting)
        if repeated or batch.num_rows != len(indices):
            raise ValueError(f"{batch.num_rows} rows for {indices.intervals}, repeated: {repeated}")
        self._waiting = self._waiting | indices
        committed = 0
        while len(self._waiting) >= FILE_ROWS:
            indices, self._waiting = self._waiting.take(FILE_ROWS)
            self._first = self._link(indices) if self._first else self._write(indices)
            committed += FILE_ROWS
        return committed

    def poll(self) -> int:
        """Commit nothing: rows may wait indefinitely."""
        return 0

    def commit(self) -> int:
        """Commit the buffered rows."""
        indices, self._waiting = self._waiting, IndexSet()
        if indices:
            self._write(indices)
        return len(indices)

    def _link(self, indices: IndexSet) -> RowsCommitted:
        assert self._first is not None
        named = {
            "file": self.paths.new_part().name,
            "indices": {self._study.digest: list(indices.intervals)},
        }
        part = self._first.model_copy(update=named)
        os.link(self.paths.part(self._first.file), self.paths.part(part.file))
        durable.sync_folder(self.paths.data)
        self.publish(part)
        return part

    def _write(self, indices: IndexSet) -> RowsCommitted:
        """Write and commit a data file with random weights and biases."""
        assert self._sweep is not None
        draw = np.random.default_rng(0)
        rows = self._templates.take(pa.array(np.arange(len(indices)) % len(self._templates)))
        for name in ("weights", "biases"):
            rows = with_random_values(rows, name, draw)
        column = rows.schema.get_field_index("sweep_id")
        sweeps = pa.array([self._sweep.sweep_id] * rows.num_rows)
        rows = rows.set_column(column, rows.schema.field(column), sweeps)
        digest, name = self._study.digest, self._study.name
        table = pa.Table.from_batches([rows])
        data, part = make_part(self.paths, table, {digest: indices}, {digest: name})
        self.publish_rows(data, part)
        return part


def _study(size: int) -> Study:
    """Return a study of `size` experiments with 7x3x3 and similar structures."""
    rates = axis("lr", *(0.01 * (n + 1) for n in range(5)))
    structures = Table(("structure",), (((7, 3, 3),), ((7, 3, 2),), ((6, 3, 3),), ((7, 2, 3),)))
    grid = Product((Replicates(size // 20), rates, structures))
    return Study("synthetic", "for measuring", grid, Experiment())


def _measure(size: int, store: Path, gaps: bool) -> dict[str, Any]:
    """Measure a sweep; with `gaps`, one that leaves experiments out and one that trains them."""
    study = _study(size)
    # Enough rows for the largest task.
    brief = replace(study, base=replace(study.base, epochs=1))
    task = Task(study, IndexSet.from_range(range(LARGEST_TASK)), "synthetic")
    batch = SyntheticRows(brief).rows(task)
    every = IndexSet.from_range(range(len(study)))
    if not gaps:
        return _sweep(study, every, store, batch)
    starts = range(0, len(study), GAPS)
    first = every & IndexSet.of((start, start + 2 * GAPS // 3) for start in starts)
    return {"runs": [_sweep(study, wanted, store, batch) for wanted in (first, every)]}


def _sweep(study: Study, wanted: IndexSet, path: Path, batch: pa.RecordBatch) -> dict[str, Any]:
    """Plan what is not stored, drive it, and open the store again."""
    executor = _AnyOrder(_Slices(batch))
    sweep = benchmark_sweep(study)
    with _LinkedStore(path, study, batch) as store:
        store.begin_sweep(sweep)
        (planned,) = make_plan([Selection(study, wanted)], store)
        figures = drive_instantly(planned, sweep.sweep_id, executor, store)
        store.end_sweep("finished")
    rate = figures["experiments"] / figures["wall, s"]
    return figures | {"a second": rate, "tasks": executor.tasks} | _resume(study, path)


def _resume(study: Study, path: Path) -> dict[str, Any]:
    """Measure reading the log and planning what is left."""
    start = time.perf_counter()
    with StoreWriter(path, command="benchmark") as store:
        reading = time.perf_counter() - start
        start = time.perf_counter()
        (planned,) = make_plan([Selection.of_study(study)], store)
        plan = time.perf_counter() - start
        entries = list(store.paths.log.iterdir())
    return {
        "reading, s": reading,
        "plan, s": plan,
        "gaps": len(planned.remaining.intervals),
        "log entries": len(entries),
        "MB of log": sum(entry.stat().st_size for entry in entries) / 1e6,
    }


def _edited() -> None:
    """Print the time to find the rows of an edited sweep file."""
    print("## Rows of an edited sweep file, by their ids\n")
    rows = []
    for size in (10**6, 10**7):
        study = _study(size)
        every = IndexSet.from_range(range(size))
        start = time.perf_counter()
        ids = IdSet(random.Random(0).randbytes(16 * size))
        held = time.perf_counter() - start
        start = time.perf_counter()
        stored_before(study, every, ids)
        compared = time.perf_counter() - start
        rows.append([size, 16 * size / 1e6, held, compared])
    columns = {"stored, and wanted": ",", "MB of ids": ".0f", "sorting them, s": ".1f"}
    print(table(columns | {"making and comparing, s": ".1f"}, rows))


def main() -> None:
    """Drive one sweep and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", type=int)
    parser.add_argument("--store", type=Path, required=True, help="folder to create")
    parser.add_argument("--gaps", action="store_true", help="first run leaves out a third")
    arguments = parser.parse_args()
    print(json.dumps(_measure(arguments.experiments, arguments.store, arguments.gaps)))


if __name__ == "__main__":
    main()
