"""The driver loop of the `run` command, for studies that no sweep file can describe."""

from __future__ import annotations

from pathlib import Path

from orchestrator.driver import drive
from orchestrator.executor import Executor
from orchestrator.planning.plan import make_plan
from orchestrator.run_store import log_beside
from orchestrator.task_scheduler import TaskScheduler
from search.catalogue import Selection
from search.study import Study
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter
from tests.orchestrator.fakes import SilentMonitor, StopAfter


def train(executor: Executor, study: Study, store: Path, workers: int) -> None:
    """Train the experiments that are not stored yet, storing each task's rows immediately.

    Args:
        executor: executor, already entered.
        study: experiments to train.
        store: folder of the store; the log is written beside it.
        workers: number of workers, for the sweep's description.

    Raises:
        UserError: nothing can be trained, or training is no longer possible.
    """
    with StoreWriter(store, max_seconds=0.0) as writer, log_beside(writer.paths):
        planned = make_plan([Selection.of_study(study)], writer)
        sweep = describe_sweep(
            command="test", studies=[study.name], device="cpu", workers=workers, root_seed=0
        )
        scheduler = TaskScheduler(planned, writer.begin_sweep(sweep), None)
        drive(scheduler, executor, writer, SilentMonitor(), StopAfter())
        writer.end_sweep("finished")
