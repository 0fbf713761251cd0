"""Cost of a sweep of 10^8 experiments for its driver, with instant workers.

python -m benchmarks scale                             # everything; takes minutes
python -m benchmarks.scale 100000000 --store runs/scale  # one sweep; keeps its store
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from benchmarks.linked_store import LinkedStore
from benchmarks.report import table
from benchmarks.synthetic import InstantExecutor, NeverStops, SyntheticRows
from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import FewestWeights
from orchestrator.driver import drive
from orchestrator.executor import Done, Outcome, TimeLimit
from orchestrator.planning.plan import make_plan
from orchestrator.planning.stored_before import stored_before
from orchestrator.tally import Tally
from orchestrator.task_scheduler import LARGEST_TASK, TaskScheduler
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Product, Replicates, Table, axis
from search.id_set import IdSet
from search.indices import IndexSet
from search.study import Study
from storage.log.sweep_info import describe_sweep
from storage.paths import StorePaths
from storage.writing.committer import Committer
from workers.task import Task

SIZES = (10**6, 10**7, 10**8)

ROW_MS = 6.3
"""Simulated training time of an experiment in ms (docs/speed.md); it decides the size of tasks."""

GAPS = 3_000
"""Length of a run of experiments of which the resumed sweep lacks the last third."""


def run() -> None:
    """Print the driver's rate and memory at each size, and the cost of resuming."""
    complete = [_in_a_process(size) for size in SIZES]
    gaps = _in_a_process(SIZES[-1], "--gaps")
    print("## The driver with instant workers\n")
    print(table(["experiments", *_FIGURES], [_line(figures) for figures in complete]))
    print(f"\n## A sweep of {SIZES[-1]:,} in which every third thousand is missing\n")
    print(table(["experiments", *_FIGURES], [_line(figures) for figures in gaps["runs"]]))
    print("\n## Resuming\n")
    rows = [[f"{f['experiments']:,}", *_resumed(f)] for f in [*complete, gaps["runs"][0]]]
    print(table(["stored", "log entries", "MB of log", "gaps", "reading, s", "plan, s"], rows))
    print()
    _edited()


_FIGURES = (
    "a second",
    "tasks",
    "wall, s",
    "processor, s",
    "scheduler, s",
    "store, s",
    "display, s",
    "memory before, MB",
    "peak, MB",
)


def _line(figures: dict[str, Any]) -> list[str]:
    spent = [
        f"{figures[name]:.1f}" for name in ("wall", "processor", "scheduler", "store", "display")
    ]
    memory = [f"{figures[name]:.0f}" for name in ("before", "peak")]
    rate = figures["experiments"] / figures["wall"]
    return [f"{figures['experiments']:,}", f"{rate:,.0f}", f"{figures['tasks']:,}", *spent, *memory]


def _resumed(figures: dict[str, Any]) -> list[str]:
    counts = [f"{figures['entries']:,}", f"{figures['log_mb']:.1f}", f"{figures['gaps']:,}"]
    return [*counts, f"{figures['reading']:.2f}", f"{figures['plan']:.3f}"]


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


class _Timed:
    """A proxy that adds up the time spent in an object's methods."""

    def __init__(self, inner: Any) -> None:
        self.seconds = 0.0
        self.calls = 0
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def timed(*words: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return found(*words, **named)
            finally:
                self.seconds += time.perf_counter() - start
                self.calls += 1

        return timed


def _study(size: int) -> Study:
    """Return a study of `size` experiments with 7x3x3 and similar structures."""
    rates = axis("lr", *(0.01 * (n + 1) for n in range(5)))
    structures = Table(("structure",), (((7, 3, 3),), ((7, 3, 2),), ((6, 3, 3),), ((7, 2, 3),)))
    grid = Product((Replicates(size // 20), rates, structures))
    return Study("synthetic", "for measuring", grid, Experiment())


def _measure(size: int, store: Path, gaps: bool) -> dict[str, Any]:
    """Measure a sweep; with `gaps`, one that leaves experiments out and one that trains them."""
    study = _study(size)
    batch = _template(study)
    every = IndexSet.from_range(range(len(study)))
    if not gaps:
        return _sweep(study, every, store, batch)
    starts = range(0, len(study), GAPS)
    first = every & IndexSet.of((start, start + 2 * GAPS // 3) for start in starts)
    return {"runs": [_sweep(study, wanted, store, batch) for wanted in (first, every)]}


def _template(study: Study) -> pa.RecordBatch:
    """Return enough rows for the largest task."""
    brief = replace(study, base=replace(study.base, epochs=1))
    task = Task(study, IndexSet.from_range(range(LARGEST_TASK)), "synthetic")
    return SyntheticRows(brief).rows(task)


def _sweep(study: Study, wanted: IndexSet, store: Path, batch: pa.RecordBatch) -> dict[str, Any]:
    """Plan what is not stored, drive it, and open the store again."""
    executor = _AnyOrder(_Slices(batch))
    sweep = describe_sweep(
        command="benchmark", studies=[study.name], device="cpu", workers=64, root_seed=0
    )
    sink = LinkedStore(store, sweep, batch)
    (planned,) = make_plan([Selection(study, wanted)], _NoOtherVersions(sink))
    scheduler: Any = _Timed(TaskScheduler([planned], sweep.sweep_id, None))
    tally = Tally(scheduler.left)
    display: Any = _Timed(ProgressDisplay(Console(file=StringIO()), tally, FewestWeights()))
    timed_sink: Any = _Timed(sink)
    before = _resident_mb()
    start, processor = time.perf_counter(), time.process_time()
    drive(scheduler, executor, timed_sink, display, NeverStops(), tally)
    sink.finish(study.digest, study.name)
    figures = {
        "experiments": tally.total,
        "tasks": executor.tasks,
        "wall": time.perf_counter() - start,
        "processor": time.process_time() - processor,
        "scheduler": scheduler.seconds,
        "store": timed_sink.seconds,
        "display": display.seconds,
        "before": before,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    return figures | _resume(study, store)


class _NoOtherVersions:
    """A store without rows of earlier versions of its sweep files."""

    def __init__(self, store: LinkedStore | Committer) -> None:
        self._store = store

    def stored(self, study_digest: str) -> IndexSet:
        if isinstance(self._store, Committer):
            return self._store.state.stored(study_digest)
        return self._store.stored(study_digest)

    def ids_of_other_versions(self, study_name: str, study_digest: str) -> IdSet:
        return IdSet()


def _resume(study: Study, store: Path) -> dict[str, Any]:
    """Measure reading the log and planning what is left."""
    paths = StorePaths(store)
    start = time.perf_counter()
    committer = Committer(paths.root, command="benchmark")
    reading = time.perf_counter() - start
    start = time.perf_counter()
    (planned,) = make_plan([Selection.of_study(study)], _NoOtherVersions(committer))
    plan = time.perf_counter() - start
    committer.close()
    entries = list(paths.log.iterdir())
    return {
        "reading": reading,
        "plan": plan,
        "gaps": len(planned.remaining.intervals),
        "entries": len(entries),
        "log_mb": sum(entry.stat().st_size for entry in entries) / 1e6,
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
        rows.append([f"{size:,}", f"{16 * size / 1e6:.0f}", f"{held:.1f}", f"{compared:.1f}"])
    titles = ["stored, and wanted", "MB of ids", "sorting them, s", "making and comparing, s"]
    print(table(titles, rows))


def _resident_mb() -> float:
    """Return the resident size of this process in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


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
