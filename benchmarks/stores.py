"""Time of a large sweep for its driver, of compacting its store, of queries, and of networks.

python -m benchmarks.stores runs/paper     # the queries on an existing store
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

import sparsest
from benchmarks.report import table, timed
from benchmarks.synthetic import (
    InstantExecutor,
    SyntheticRows,
    benchmark_sweep,
    drive_instantly,
    with_random_values,
)
from orchestrator.planning.plan import make_plan
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Product, Table
from search.indices import IndexSet
from search.study import Study
from storage.reading.reader import StoreReader
from storage.writing.compact import compact_store
from storage.writing.writer import StoreWriter
from workers.task import Task

EXPERIMENTS = 400_000
"""Number of experiments of the sweep."""

FILES = 500
ROWS_IN_A_FILE = 800
TURNS = 3
"""Number of measurements before and after compaction, of which the median counts."""

NETWORKS = 1000
POINTS = 1000
TARGET_S = 2.0
"""Processor time, in seconds, that reading NETWORKS and evaluating them should take at most."""

QUERIES = {
    "count by status": "SELECT status, count(*) FROM results GROUP BY status",
    "best by schedule and rate": "SELECT lr, schedule, max(accuracy), avg(accuracy), "
    "quantile_cont(accuracy, 0.5) FROM results GROUP BY ALL ORDER BY ALL",
    "fewest weights by accuracy": "SELECT floor(accuracy * 100) AS percent, min(weight_nnz), "
    "count(*) FROM results GROUP BY ALL ORDER BY ALL",
    "the best network of each size": "SELECT weight_nnz, max(accuracy), "
    "arg_max(experiment_id, accuracy), arg_max(mask2, accuracy) FROM results GROUP BY ALL",
    "over all weights": "SELECT avg(list_sum(weights)), max(list_max(biases)) FROM results",
    "SUMMARIZE results": "SUMMARIZE results",
}


def _time_queries(store: Path) -> None:
    """Print the wall-clock seconds of each query, run in sequence in one process."""
    seconds = _measure(store, turns=1)
    with StoreReader(store) as reader:
        print(f"## Queries over {reader.state.rows:,} rows\n")
    print(table({"query": "", "seconds": ".3f"}, list(seconds.items())))


def run_sweep() -> None:
    """Print the driver's rate and memory growth, and the time of aggregate queries."""
    study = _large_study()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        _drive(study, store)
        print()
        _time_queries(store)


def _large_study() -> Study:
    """Return a study of EXPERIMENTS 7x3x3 networks with one epoch each."""
    rates = Table(("lr",), tuple((0.01 + n / 1e6,) for n in range(EXPERIMENTS // 4)))
    decays = Table(("weight_decay",), ((0.0,), (1e-4,), (5e-4,), (1e-3,)))
    base = Experiment(structure=(7, 3, 3), epochs=1)
    return Study("synthetic", "for measuring", Product((rates, decays)), base)


def _drive(study: Study, store: Path) -> None:
    executor = InstantExecutor(SyntheticRows(study))
    with StoreWriter(store) as writer:
        sweep = benchmark_sweep(study)
        (planned,) = make_plan([Selection.of_study(study)], writer)
        figures = drive_instantly(planned, writer.begin_sweep(sweep), executor, writer)
        writer.end_sweep("finished")
    print(f"## The driver over a sweep of {EXPERIMENTS:,} with instant workers\n")
    growth = figures["peak, MB"] - figures["memory before, MB"]
    rows = [
        ["experiments a second, making their rows included", EXPERIMENTS / figures["wall, s"]],
        ["growth of the driver's memory, MB (peak)", growth],
        ["data files", len(list((store / "data").iterdir()))],
    ]
    print(table({"what": "", "figure": ",.0f"}, rows))


def run_compaction() -> None:
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
    study = _large_study()
    made = SyntheticRows(study)
    draw = np.random.default_rng(0)
    with StoreWriter(store) as writer:
        sweep_id = writer.begin_sweep(benchmark_sweep(study))
        for number in range(FILES):
            start = number * ROWS_IN_A_FILE
            indices = IndexSet.of([(start, start + ROWS_IN_A_FILE)])
            rows = with_random_values(made.rows(Task(study, indices, sweep_id)), "weights", draw)
            writer.append(rows, study.digest, study.name, indices)
            writer.commit()
        writer.end_sweep("finished")


def _measure(store: Path, turns: int = TURNS) -> dict[str, float]:
    """Return the median wall-clock seconds of opening the store and of each query."""
    found: dict[str, list[float]] = {}
    for _ in range(turns):
        start = time.perf_counter()
        with StoreReader(store) as reader:
            found.setdefault("opening the store", []).append(time.perf_counter() - start)
            for name, query in QUERIES.items():
                start = time.perf_counter()
                reader.sql(query)
                found.setdefault(name, []).append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def run_networks() -> None:
    """Print the seconds of reading networks from a store and of computing their logits."""
    sweep = {
        "name": "networks",
        "replicates": NETWORKS,
        "base": {"epochs": 1},
        "grid": {"structure": ["7x3x3"]},
    }
    points = np.random.default_rng(0).normal(size=(POINTS, 2))
    with (
        tempfile.TemporaryDirectory() as folder,
        sparsest.run(sweep, Path(folder) / "store", executor="inline") as store,
    ):
        networks, read_s = timed(partial(store.networks, "FROM results"))
    logits, evaluate_s = timed(partial(networks.logits, points))
    print(f"## {len(logits):,} networks 7x3x3 on {POINTS:,} points, processor time\n")
    columns = {"reading, s": ".2f", "logits, s": ".2f", "both, s": ".2f", "target, s": ""}
    print(table(columns, [[read_s, evaluate_s, read_s + evaluate_s, TARGET_S]]))


def main() -> None:
    """Time the queries on an existing store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    _time_queries(parser.parse_args().store)


if __name__ == "__main__":
    main()
