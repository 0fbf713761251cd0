"""Cost of a sweep of 400,000 experiments for its driver, and of queries on its store."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.queries import time_queries
from benchmarks.report import table
from benchmarks.synthetic import InstantExecutor, SyntheticRows, drive_instantly
from orchestrator.planning.plan import make_plan
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Product, Table
from search.study import Study
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter

EXPERIMENTS = 400_000


def run() -> None:
    """Print the driver's rate and memory growth, and the time of aggregate queries."""
    study = large_study()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        _drive(study, store)
        print()
        time_queries(store)


def large_study() -> Study:
    """Return a study of EXPERIMENTS 7x3x3 networks with one epoch each."""
    rates = Table(("lr",), tuple((0.01 + n / 1e6,) for n in range(EXPERIMENTS // 4)))
    decays = Table(("weight_decay",), ((0.0,), (1e-4,), (5e-4,), (1e-3,)))
    base = Experiment(structure=(7, 3, 3), epochs=1)
    return Study("synthetic", "for measuring", Product((rates, decays)), base)


def _drive(study: Study, store: Path) -> None:
    executor = InstantExecutor(SyntheticRows(study))
    with StoreWriter(store) as writer:
        sweep = describe_sweep(
            command="benchmark", studies=[study.name], device="cpu", workers=64, root_seed=0
        )
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
