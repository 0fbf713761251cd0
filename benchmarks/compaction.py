"""Effect of compacting a store of many small files on its size and on queries."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.queries import QUERIES
from benchmarks.report import table
from benchmarks.sweep import large_study
from benchmarks.synthetic import SyntheticRows, with_random_values
from search.indices import IndexSet
from storage.log.sweep_info import describe_sweep
from storage.reading.reader import StoreReader
from storage.writing.compact import compact_store
from storage.writing.writer import StoreWriter
from workers.task import Task

FILES = 500
ROWS_IN_A_FILE = 800
TURNS = 3


def run() -> None:
    """Print files, bytes and query times before and after compaction, and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        _fill(store)
        before = _measure(store)
        start = time.perf_counter()
        done = compact_store(store, command="benchmark")
        seconds = time.perf_counter() - start
        after = _measure(store)
    print(f"## Compacting {done.rows:,} rows, {seconds:.1f} s\n")
    pairs = {"data files": done.files, "MB": [size / 1e6 for size in done.bytes]}
    pairs |= {f"{name}, s": (old, after[name]) for name, old in before.items()}
    rows = [[name, old, new, old / new] for name, (old, new) in pairs.items()]
    columns = {"what": "", "before": ".3g", "after": ".3g", "before / after": ".1f"}
    print(table(columns, rows))


def _fill(store: Path) -> None:
    """Create a store of many small files with random weights."""
    study = large_study()
    made = SyntheticRows(study)
    draw = np.random.default_rng(0)
    with StoreWriter(store) as writer:
        sweep = describe_sweep(
            command="benchmark", studies=[study.name], device="cpu", workers=1, root_seed=0
        )
        sweep_id = writer.begin_sweep(sweep)
        for number in range(FILES):
            start = number * ROWS_IN_A_FILE
            indices = IndexSet.of([(start, start + ROWS_IN_A_FILE)])
            rows = with_random_values(made.rows(Task(study, indices, sweep_id)), "weights", draw)
            writer.append(rows, study.digest, study.name, indices)
            writer.commit()
        writer.end_sweep("finished")


def _measure(store: Path) -> dict[str, float]:
    """Return the median wall-clock seconds of opening the store and of each query."""
    found: dict[str, list[float]] = {}
    for _ in range(TURNS):
        start = time.perf_counter()
        with StoreReader(store) as reader:
            found.setdefault("opening the store", []).append(time.perf_counter() - start)
            for name, query in {**QUERIES, "SUMMARIZE results": "SUMMARIZE results"}.items():
                start = time.perf_counter()
                reader.sql(query)
                found.setdefault(name, []).append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}
