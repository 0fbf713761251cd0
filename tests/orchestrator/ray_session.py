"""A program that uses Ray on this machine and reports what happened.

It is a separate process because Ray's environment variables must be set before Ray is imported, and
other tests have imported it. Usage: ray_session.py FOLDER. It leaves the stores "plain", "killed",
"second", "searched" and "stopped" and report.json in FOLDER.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from orchestrator import sweep as sweeps
from orchestrator.commands.executors import ExecutorOptions, make_executor
from orchestrator.driver import drive
from orchestrator.errors import UserError
from orchestrator.executor import Done, Executor, Failed, Outcome, Returned
from orchestrator.job import Job
from orchestrator.planning.plan import make_plan
from orchestrator.planning.targets import find_targets
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from orchestrator.worker_kinds import WorkerKind
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Table
from search.indices import IndexSet
from search.study import Study
from storage.log.sweep_info import describe_sweep
from storage.writing.writer import StoreWriter
from tests.orchestrator.fakes import SilentMonitor, StopAfter
from tests.orchestrator.running import SMALL_SEARCH, sparsest, stopped_after_one_round
from workers.task import Task

WORKERS = 2
PATIENCE_S = 300.0
SEARCH_HOURS = "0.0001"
"""Core-hours of the search."""


@dataclass(frozen=True)
class TrappedTable(Table):
    """A table that records in a folder which worker reads which row, and has traps there.

    A trap is a file: "kill-7" kills the first process that reads row 7, "crash-7" every process
    that does, "raise-7" raises an error in it, "eat-7" makes it allocate more memory than there is,
    "slow" makes all reading slow, and "gate-7" blocks readers of row 7 while it exists. The driver,
    which reads some rows to estimate the cost of a task, is exempt.
    """

    folder: str = ""
    driver: int = 0

    def __getitem__(self, index: int) -> dict[str, Any]:
        if os.getpid() == self.driver:
            return super().__getitem__(index)
        folder = Path(self.folder)
        with (folder / "reads").open("a") as log:
            log.write(f"{index} {os.getpid()}\n")
        if (folder / f"kill-{index}").exists():
            (folder / f"kill-{index}").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        if (folder / "slow").exists():
            time.sleep(0.3)
        if (folder / f"crash-{index}").exists():
            os.abort()
        if (folder / f"eat-{index}").exists():
            eaten = [bytes(2**30) for _ in range(10_000)]
            raise AssertionError(f"{len(eaten)} pieces did fit")
        if (folder / f"raise-{index}").exists():
            raise ValueError(f"row {index} is a trap")
        while (folder / f"gate-{index}").exists():
            time.sleep(0.01)
        return super().__getitem__(index)


class Trapped:
    """A study with a trapped table, and the folder of the traps."""

    def __init__(self, name: str, count: int, folder: Path) -> None:
        self.folder = folder / f"{name}-traps"
        self.folder.mkdir()
        rows = tuple((0.001 * (n + 1),) for n in range(count))
        base = Experiment(structure=(1, 1, 1), epochs=1)
        self.study = Study(
            name, "for tests", TrappedTable(("lr",), rows, str(self.folder), os.getpid()), base
        )

    def set(self, trap: str) -> None:
        (self.folder / trap).touch()

    def unset(self, trap: str) -> None:
        (self.folder / trap).unlink()

    def reads(self) -> list[tuple[int, int]]:
        """Return (row, process) of every reading so far."""
        file = self.folder / "reads"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(row), int(pid)) for row, pid in map(str.split, lines)]

    def task(self, start: int, stop: int) -> Task:
        return Task(self.study, IndexSet.of([(start, stop)]), "sweep")


def run(
    executor: Executor, selections: list[Selection], store: Path, max_seconds: float = 10.0
) -> Tally:
    """Train into a store, as the command does."""
    with StoreWriter(store, max_seconds=max_seconds) as writer:
        planned = make_plan(selections, writer)
        names = [item.study.name for item in planned]
        sweep = describe_sweep(
            command="test", studies=names, device="cpu", workers=WORKERS, root_seed=0
        )
        scheduler = TaskScheduler(planned, writer.begin_sweep(sweep), None)
        tally = drive(scheduler, executor, writer, SilentMonitor(), StopAfter())
        writer.end_sweep("finished")
    return tally


def wait_for_workers(executor: Executor) -> None:
    """Wait until all workers are ready: the first tasks would all go to the first one."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(executor.worker_counts.by_kind.values()) < WORKERS and time.monotonic() < deadline:
        executor.wait(0.1, patient)


def patient(job: Job, kind: WorkerKind) -> float:
    """A time limit that no job exceeds."""
    return PATIENCE_S


def send(executor: Executor, task: Task) -> None:
    """Send a task to the worker with the fewest."""
    executor.submit(Job(task, 1.0), executor.vacancies()[0])


def wait_for_all(executor: Executor) -> list[Outcome]:
    """Return the outcome of all jobs; send those again that come back untrained."""
    outcomes: list[Outcome] = []
    again: list[Task] = []
    deadline = time.monotonic() + PATIENCE_S
    while (executor.in_flight or again) and time.monotonic() < deadline:
        while again and executor.vacancies():
            send(executor, again.pop())
        for outcome in executor.wait(0.5, patient):
            if isinstance(outcome, Returned):
                again.append(outcome.job.task)
            else:
                outcomes.append(outcome)
    return outcomes


def indices_of(tasks: list[Task]) -> list[list[int]]:
    """Return the indices of some tasks, sorted."""
    return sorted(list(task.indices) for task in tasks)


def start_outsider(address: str) -> subprocess.Popen[str]:
    """Start a process that knows the address of Ray, but not the token."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")}
    # It tries for some seconds instead of twenty.
    environment["RAY_NUM_REDIS_GET_RETRIES"] = "5"
    program = f"import ray; ray.init(address={address!r}, logging_level='ERROR')"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def listening() -> list[str]:
    """Return the addresses at which this process and its children accept connections."""
    this = psutil.Process()
    found = set()
    for process in [this, *this.children(recursive=True)]:
        with suppress(psutil.Error):  # it has ended
            sockets = process.net_connections(kind="inet")
            found |= {socket.laddr.ip for socket in sockets if socket.status == "LISTEN"}
    return sorted(found)


def raising(executor: Executor, folder: Path) -> dict[str, Any]:
    """Send a task that raises, and then the same one without the trap."""
    trapped = Trapped("raising", 8, folder)
    trapped.set("raise-5")
    send(executor, trapped.task(0, 8))
    (first,) = wait_for_all(executor)
    trapped.unset("raise-5")
    send(executor, trapped.task(0, 8))
    (second,) = wait_for_all(executor)
    return {
        "failed": isinstance(first, Failed) and list(first.job.task.indices) == list(range(8)),
        "reason": first.reason if isinstance(first, Failed) else "",
        "rows_afterwards": second.rows.num_rows if isinstance(second, Done) else 0,
    }


def killed_with_another_waiting(executor: Executor, folder: Path) -> dict[str, Any]:
    """Send two tasks to each worker; the first task of one kills it."""
    trapped = Trapped("behind", 8, folder)
    trapped.set("kill-0")
    wait_for_workers(executor)
    for start in (0, 2, 4, 6):
        send(executor, trapped.task(start, start + 2))
    outcomes = wait_for_all(executor)
    return {
        "failed": indices_of([o.job.task for o in outcomes if isinstance(o, Failed)]),
        "reasons": [o.reason for o in outcomes if isinstance(o, Failed)],
        "done": indices_of([o.job.task for o in outcomes if isinstance(o, Done)]),
    }


def withdrawing(executor: Executor, folder: Path) -> dict[str, Any]:
    """Send two tasks to each worker; take the second ones back and send them again."""
    trapped = Trapped("withdrawn", 8, folder)
    wait_for_workers(executor)
    for start in (0, 2, 4, 6):
        trapped.set(f"gate-{start}")
        send(executor, trapped.task(start, start + 2))
    deadline = time.monotonic() + PATIENCE_S
    while len(trapped.reads()) < WORKERS and time.monotonic() < deadline:
        time.sleep(0.01)
    withdrawn = [job.task for job in executor.withdraw()]
    started = sorted(row for row, _ in trapped.reads())
    again = [job.task for job in executor.withdraw()]
    for start in (0, 2, 4, 6):
        trapped.unset(f"gate-{start}")
    kept = [outcome.job.task for outcome in wait_for_all(executor)]
    for task in withdrawn:
        send(executor, task)
    resubmitted = wait_for_all(executor)
    return {
        "started": started,
        "withdrawn": indices_of(withdrawn),
        "withdrawn_again": indices_of(again),
        "kept": indices_of(kept),
        "resubmitted": indices_of([o.job.task for o in resubmitted if isinstance(o, Done)]),
        "outcomes": len(kept) + len(resubmitted),
    }


def killing(executor: Executor, folder: Path) -> dict[str, Any]:
    """Train a study in which three experiments kill their worker once each."""
    trapped = Trapped("killed", 300, folder)
    for row in (20, 21, 250):
        trapped.set(f"kill-{row}")
    tally = run(executor, [Selection.of_study(trapped.study)], folder / "killed")
    return {
        "trained": tally.trained,
        "traps_left": len(list(trapped.folder.glob("kill-*"))),
        "processes": len({pid for _, pid in trapped.reads()}),
    }


def searching(executor: Executor, folder: Path) -> dict[str, Any]:
    """Search with both workers, stop after the first round, and resume."""
    wait_for_workers(executor)
    ray = ("--executor", "ray", "--workers", str(WORKERS), "--store", folder / "searched")
    words = (*SMALL_SEARCH, "--strategy", "eliminate", "--core-hours", SEARCH_HOURS, *ray)
    with (
        mock.patch.object(sweeps, "make_executor", side_effect=lambda *_: nullcontext(executor)),
        mock.patch.object(executor, "submit", wraps=executor.submit) as submit,
    ):
        with stopped_after_one_round():
            stopped = sparsest(*words)
        jobs = submit.call_count
        resumed = sparsest(*words)
    return {"stopped": stopped.code, "jobs": jobs, "resumed": json.loads(resumed.out)}


def stopping_ray(folder: Path) -> dict[str, Any]:
    """Kill the raylet of this machine during a run."""
    trapped = Trapped("stopped", 300, folder)
    trapped.set("slow")
    with make_executor(on_this_machine(1), {}) as executor:
        for process in psutil.Process().children(recursive=True):
            if "raylet/raylet" in " ".join(process.cmdline()[:1]):
                process.kill()
        start = time.monotonic()
        try:
            run(executor, [Selection.of_study(trapped.study)], folder / "stopped")
        except UserError as error:
            return {"error": str(error), "seconds": time.monotonic() - start}
    return {"error": ""}


def on_this_machine(workers: int) -> ExecutorOptions:
    return ExecutorOptions("ray", workers, ("cpu",), None)


def main(folder: Path) -> None:
    """Run most sessions on one Ray, because starting it takes long, and a few on others."""
    report: dict[str, Any] = {}
    with make_executor(on_this_machine(WORKERS), {}) as executor:
        # Imported here: the executor has set the environment.
        import ray
        from ray._private.worker import get_dashboard_url

        from orchestrator.cluster.private_folders import private_folder

        outsider = start_outsider(ray.get_runtime_context().gcs_address)
        report["listening"] = listening()
        (ray_folder,) = Path(private_folder()).glob("r*")
        report["folder_mode"] = stat.S_IMODE(ray_folder.parent.stat().st_mode)
        report["dashboard"] = get_dashboard_url()  # type: ignore[no-untyped-call]
        report["token"] = len(os.environ.get("RAY_AUTH_TOKEN", ""))
        wait_for_workers(executor)
        report["workers"] = [
            [kind.backend, count] for kind, count in executor.worker_counts.by_kind.items()
        ]
        report["vacancies"] = len(executor.vacancies())
        sweep = find_targets([str(folder / "plain.toml")])
        report["plain"] = run(executor, sweep, folder / "plain").trained
        report["raising"] = raising(executor, folder)
        report["behind"] = killed_with_another_waiting(executor, folder)
        report["withdrawing"] = withdrawing(executor, folder)
        report["killing"] = killing(executor, folder)
        report["searching"] = searching(executor, folder)
        report["in_flight"] = executor.in_flight
        _, report["outsider"] = outsider.communicate(timeout=PATIENCE_S)
        report["outsider_code"] = outsider.returncode
    report["ray_is_over"] = not ray.is_initialized()
    with make_executor(on_this_machine(1), {}) as executor:
        report["second"] = run(executor, sweep, folder / "second").trained
    report["stopped"] = stopping_ray(folder)
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
