"""Training in this process, of rows that are kept in memory instead of a store."""

from __future__ import annotations

import pyarrow as pa
from rich.console import Console

from orchestrator.display.progress import ProgressDisplay
from orchestrator.display.store_summary import FewestWeights
from orchestrator.driver import drive
from orchestrator.executor import InlineExecutor
from orchestrator.planning.plan import make_plan
from orchestrator.planning.targets import Targets
from orchestrator.plugins import packages_of
from orchestrator.stopping import StopRequest
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from search.experiment import FRESH_INIT
from search.indices import IndexSet


class _Rows:
    """Keeps rows in memory; the loop's `Sink`."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []

    def append(
        self, batch: pa.RecordBatch, study_digest: str, study_name: str, indices: IndexSet
    ) -> int:
        self.batches.append(batch)
        return int(batch.num_rows)

    def poll(self) -> int:
        return 0


def trained_in_memory(targets: Targets, curves: bool, console: Console) -> pa.Table:
    """Train in this process; raise what a training raises, with its traceback."""
    studies = [selection.study for selection in targets]
    packages_of(studies)
    stored = sorted({experiment.init for study in studies for experiment in study} - {FRESH_INIT})
    if stored:
        raise ValueError(
            f"init {stored[0]!r} is in a store: name it with store=. A network in memory is "
            "trained on with network.retrain(start='initial' or 'final')"
        )
    scheduler = TaskScheduler(make_plan(targets, None), "", None, curves=curves)
    tally, rows = Tally(scheduler.left), _Rows()
    # Not entered: an interruption ends the training at once, since nothing has to be stored.
    never = StopRequest(lambda: None)
    with (
        InlineExecutor({}, "cpu", raises=True) as executor,
        ProgressDisplay(console, tally, FewestWeights()) as display,
    ):
        drive(scheduler, executor, rows, display, never, tally)
    return pa.Table.from_batches(rows.batches).sort_by("study_index")
