"""Cost of a sweep of 400,000 experiments for its driver, and of queries on its store."""

from __future__ import annotations

import resource
import tempfile
import time
from io import StringIO
from pathlib import Path

from rich.console import Console

from benchmarks.queries import time_queries
from benchmarks.report import table
from benchmarks.synthetic import InstantExecutor, NeverStops, SyntheticRows
from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import FewestWeights
from orchestrator.driver import drive
from orchestrator.planning.plan import make_plan
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
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
        plan = make_plan([Selection.of_study(study)], writer)
        scheduler = TaskScheduler(plan, writer.begin_sweep(sweep), None)
        tally = Tally(scheduler.left)
        display = ProgressDisplay(Console(file=StringIO()), tally, FewestWeights())
        before = _memory_mb()
        start = time.perf_counter()
        drive(scheduler, executor, writer, display, NeverStops(), tally)
        writer.end_sweep("finished")
        seconds = time.perf_counter() - start
        growth = _memory_mb() - before
    print(f"## The driver over a sweep of {EXPERIMENTS:,} with instant workers\n")
    rows = [
        ["experiments a second, making their rows included", f"{EXPERIMENTS / seconds:,.0f}"],
        ["growth of the driver's memory, MB (peak)", f"{growth:.0f}"],
        ["data files", str(len(list((store / "data").iterdir())))],
    ]
    print(table(["what", "figure"], rows))


def _memory_mb() -> float:
    """Return the peak resident size of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
