"""The driver loop stores every experiment once, however its workers fail."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.driver import MAX_LOSSES, drive
from orchestrator.errors import UserError, describe_error
from orchestrator.executor import InlineExecutor
from orchestrator.job import ATTEMPTS, Job
from orchestrator.planning.plan import make_plan
from orchestrator.tally import Tally
from orchestrator.task_scheduler import TaskScheduler
from search.catalogue import Selection
from search.indices import IndexSet
from search.study import Study
from tests.orchestrator.fakes import (
    AbsentExecutor,
    FakeExecutor,
    FakeStore,
    LeavingExecutor,
    SilentMonitor,
    SimulatedWorkers,
    StopAfter,
    small_study,
)
from workers.task import Task


def scheduler_for(study: Study, store: FakeStore, limit: int | None = None) -> TaskScheduler:
    return TaskScheduler(make_plan([Selection.of_study(study)], store), "sweep", limit)


def test_every_experiment_is_trained_once() -> None:
    study, store, executor = small_study(3000), FakeStore(), FakeExecutor()
    tally = drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert store.stored(study.digest) == IndexSet(((0, 3000),))
    assert tally.trained == tally.total == 3000
    assert tally.trained == tally.total
    assert not tally.interrupted


def test_workers_get_no_more_jobs_than_they_can_take() -> None:
    executor = FakeExecutor(workers=3)
    study, store = small_study(5000), FakeStore()
    drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert executor.most_in_flight == 6


def test_bad_experiment_alone_is_recorded_as_failed() -> None:
    bad = 1234

    def fails(job: Job) -> str | None:
        return "worker died" if bad in set(job.task.indices) else None

    study, store, monitor = small_study(2000), FakeStore(), SilentMonitor()
    executor = FakeExecutor(fails)
    drive(scheduler_for(study, store), executor, store, monitor, StopAfter())
    assert store.stored(study.digest) == IndexSet(((0, 2000),))
    assert store.reasons[bad] == "worker died"
    assert {reason for index, reason in store.reasons.items() if index != bad} == {"invented"}
    alone = [job for job in executor.seen if list(job.task.indices) == [bad]]
    assert len(alone) == ATTEMPTS
    assert len(monitor.notes) == 1
    assert "small:1235" in monitor.notes[0]


def test_experiment_that_fails_once_is_tried_again() -> None:
    failed: set[int] = set()

    def fails(job: Job) -> str | None:
        indices = job.task.indices
        if len(indices) == 1 and indices.intervals[0][0] == 700 and 700 not in failed:
            failed.add(700)
            return "preempted"
        return "split me" if 700 in set(indices) and len(indices) > 1 else None

    study, store = small_study(1000), FakeStore()
    drive(scheduler_for(study, store), FakeExecutor(fails), store, SilentMonitor(), StopAfter())
    assert failed == {700}
    assert set(store.reasons.values()) == {"invented"}
    assert len(store.stored(study.digest)) == 1000


def test_broken_installation_ends_the_run_without_rows() -> None:
    study, store = small_study(1000), FakeStore()
    executor = FakeExecutor(lambda job: "ImportError: no numba")
    with pytest.raises(UserError, match="ImportError: no numba"):
        drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert not store.stored(study.digest)


def test_interrupted_run_stores_what_was_in_training_and_resumes() -> None:
    study, store, executor = small_study(20_000), FakeStore(), FakeExecutor()
    scheduler = scheduler_for(study, store)
    tally = drive(scheduler, executor, store, SilentMonitor(), StopAfter(9))
    assert tally.interrupted
    assert executor.in_flight == 0
    stored = store.stored(study.digest)
    assert 0 < len(stored) < 20_000
    assert len(stored) == tally.trained
    assert tally.total == 20_000
    assert scheduler.left == 20_000 - len(stored)
    resumed = drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert len(store.stored(study.digest)) == 20_000
    assert resumed.trained == 20_000 - len(stored)


def test_limit_bounds_the_number_of_experiments() -> None:
    study, store = small_study(1000), FakeStore()
    scheduler = scheduler_for(study, store, limit=123)
    tally = drive(scheduler, FakeExecutor(), store, SilentMonitor(), StopAfter())
    assert tally.trained == 123
    assert not tally.interrupted
    assert store.stored(study.digest) == IndexSet(((0, 123),))


def test_machine_that_breaks_down_ends_the_run_without_failed_rows() -> None:
    done: list[int] = []

    def fails(job: Job) -> str | None:
        if len(done) == 3:
            return "OSError: no space left on device"
        done.append(len(job.task.indices))
        return None

    study, store, tally = small_study(3000), FakeStore(), Tally()
    with pytest.raises(UserError, match=r"60.*no space left"):
        drive(
            scheduler_for(study, store),
            FakeExecutor(fails),
            store,
            SilentMonitor(),
            StopAfter(),
            tally,
        )
    assert set(store.reasons.values()) == {"invented"}
    assert len(store.stored(study.digest)) == tally.trained == sum(done) < 3000


def test_sweep_with_some_bad_experiments_finishes() -> None:
    bad = {100, 101, 102, 700, 701, 2999}

    def fails(job: Job) -> str | None:
        return "worker died" if bad & set(job.task.indices) else None

    study, store, monitor = small_study(3000), FakeStore(), SilentMonitor()
    scheduler = scheduler_for(study, store)
    drive(scheduler, FakeExecutor(fails), store, monitor, StopAfter())
    assert len(store.stored(study.digest)) == 3000
    assert {index for index, why in store.reasons.items() if why == "worker died"} == bad
    assert len(monitor.notes) == len(bad)
    assert scheduler.work_left == pytest.approx(0.0)


def test_sweep_with_a_bad_experiment_in_nearly_every_task_finishes() -> None:
    bad = set(range(37, 3000, 100))

    def fails(job: Job) -> str | None:
        return "worker died" if bad & set(job.task.indices) else None

    study, store, monitor = small_study(3000), FakeStore(), SilentMonitor()
    executor = FakeExecutor(fails)
    drive(scheduler_for(study, store), executor, store, monitor, StopAfter())
    assert len(store.stored(study.digest)) == 3000
    assert {index for index, why in store.reasons.items() if why == "worker died"} == bad
    failed = [job.task for job in executor.seen if bad & set(job.task.indices)]
    alone = Counter(index for task in failed if len(task.indices) == 1 for index in task.indices)
    assert set(alone) == bad
    assert set(alone.values()) == {ATTEMPTS}
    # Each failure costs a worker's start or a time limit: ATTEMPTS and about two per experiment.
    assert len(failed) <= 5 * len(bad)


@pytest.mark.parametrize("hanging", [0, 7, 20])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_good_experiments_are_stored_before_a_hanging_one_is_given_up(
    hanging: int, workers: int
) -> None:
    study, store = small_study(21), FakeStore()
    executor = SimulatedWorkers(lambda index: index == hanging, workers)
    drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert len(store.reasons) == 21
    assert list(store.reasons)[-1] == hanging
    assert executor.now_s < 600  # simulated seconds


def test_experiments_on_machines_that_leave_are_trained_elsewhere() -> None:
    study, store, monitor = small_study(500), FakeStore(), SilentMonitor()
    executor = LeavingExecutor(lambda job: job.losses < MAX_LOSSES - 1)
    drive(scheduler_for(study, store), executor, store, monitor, StopAfter())
    assert set(store.reasons.values()) == {"invented"}
    assert len(store.stored(study.digest)) == 500
    assert not any(job.suspect for job in executor.seen)


def test_experiment_that_takes_machines_down_is_recorded_as_failed() -> None:
    study, store, monitor = small_study(500), FakeStore(), SilentMonitor()
    executor = LeavingExecutor(lambda job: 123 in set(job.task.indices))
    drive(scheduler_for(study, store), executor, store, monitor, StopAfter())
    assert len(store.stored(study.digest)) == 500
    (reason,) = {why for why in store.reasons.values() if why != "invented"}
    assert reason == store.reasons[123]
    assert str(MAX_LOSSES) in reason
    assert "its node has left" in reason


def test_job_that_was_not_started_keeps_its_attempts() -> None:
    study, store = small_study(500), FakeStore()
    executor = LeavingExecutor(lambda job: executor.count[job.task.indices] <= 10, started=False)
    drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert set(store.reasons.values()) == {"invented"}
    assert all(job.losses == 0 for job in executor.seen)


def test_run_waits_while_there_are_no_workers() -> None:
    study, store = small_study(100), FakeStore()
    executor = AbsentExecutor()
    tally = drive(scheduler_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert tally.trained == 100
    assert not tally.interrupted


def test_exit_inside_a_training_is_a_failure_of_its_experiment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def exits(task: Task, *others: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr("orchestrator.executor.run_task", exits)
    study, store = small_study(3), FakeStore()
    drive(
        scheduler_for(study, store),
        InlineExecutor({}, "cpu"),
        store,
        SilentMonitor(),
        StopAfter(),
    )
    assert len(store.stored(study.digest)) == 3
    assert all("SystemExit" in reason for reason in store.reasons.values())


def test_error_without_a_printable_message_is_described() -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no message")

    assert "SilentError" in describe_error(SilentError())
    assert describe_error(ValueError("seven")) == "ValueError: seven"
