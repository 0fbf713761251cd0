"""The driver loop: every experiment once, whatever its workers do."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.driver import ATTEMPTS, LOSSES, drive
from orchestrator.errors import UserError
from orchestrator.planning.plan import make_plan
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
    StopAfter,
    small_study,
)
from workers.task import Task


def source_for(study: Study, store: FakeStore, limit: int | None = None) -> TaskScheduler:
    plan = make_plan([Selection.whole(study)], store)
    return TaskScheduler(plan, "sweep", limit, workers=2)


def test_experiment_is_skipped_or_trained_twice() -> None:
    study, store, executor = small_study(3000), FakeStore(), FakeExecutor()
    tally = drive(source_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert store.stored(study.digest) == IndexSet(((0, 3000),))
    assert tally.trained == 3000
    assert not tally.interrupted


def test_more_tasks_are_in_flight_than_workers_can_take() -> None:
    executor = FakeExecutor(workers=3)
    study, store = small_study(5000), FakeStore()
    drive(source_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert executor.most_in_flight == 6


def test_one_poisonous_experiment_takes_others_down_with_it() -> None:
    poison = 1234

    def fails(task: Task) -> str | None:
        return "worker died" if poison in set(task.indices) else None

    study, store, monitor = small_study(2000), FakeStore(), SilentMonitor()
    executor = FakeExecutor(fails)
    drive(source_for(study, store), executor, store, monitor, StopAfter())
    assert store.stored(study.digest) == IndexSet(((0, 2000),))
    assert store.reasons[poison] == "worker died"
    assert {reason for index, reason in store.reasons.items() if index != poison} == {"invented"}
    alone = [task for task in executor.seen if list(task.indices) == [poison]]
    assert len(alone) == ATTEMPTS
    assert len(monitor.notes) == 1
    assert "small:1235" in monitor.notes[0]


def test_single_failure_gives_an_experiment_up_that_would_train_next_time() -> None:
    failed: set[int] = set()

    def fails(task: Task) -> str | None:
        if len(task.indices) == 1 and task.indices.intervals[0][0] == 700 and 700 not in failed:
            failed.add(700)
            return "preempted"
        return "split me" if 700 in set(task.indices) and len(task.indices) > 1 else None

    study, store = small_study(1000), FakeStore()
    drive(source_for(study, store), FakeExecutor(fails), store, SilentMonitor(), StopAfter())
    assert failed == {700}
    assert set(store.reasons.values()) == {"invented"}
    assert len(store.stored(study.digest)) == 1000


def test_broken_installation_fills_the_store_with_failed_rows() -> None:
    study, store = small_study(1000), FakeStore()
    executor = FakeExecutor(lambda task: "ImportError: no numba")
    with pytest.raises(UserError, match="ImportError: no numba"):
        drive(source_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert not store.stored(study.digest)


def test_stopping_loses_what_is_in_training_or_trains_on() -> None:
    study, store, executor = small_study(20_000), FakeStore(), FakeExecutor()
    scheduler = source_for(study, store)
    tally = drive(scheduler, executor, store, SilentMonitor(), StopAfter(9))
    assert tally.interrupted
    assert executor.in_flight == 0
    stored = store.stored(study.digest)
    assert 0 < len(stored) < 20_000
    assert len(stored) == tally.trained
    assert scheduler.left == 20_000 - len(stored)
    again = drive(source_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert len(store.stored(study.digest)) == 20_000
    assert again.trained == 20_000 - len(stored)


def test_limit_is_not_a_limit() -> None:
    study, store = small_study(1000), FakeStore()
    scheduler = source_for(study, store, limit=123)
    tally = drive(scheduler, FakeExecutor(), store, SilentMonitor(), StopAfter())
    assert tally.trained == 123
    assert not tally.interrupted
    assert store.stored(study.digest) == IndexSet(((0, 123),))


def test_machine_that_breaks_down_fills_the_store_with_failed_rows() -> None:
    done: list[int] = []

    def fails(task: Task) -> str | None:
        if len(done) == 3:
            return "OSError: no space left on device"
        done.append(len(task.indices))
        return None

    study, store = small_study(3000), FakeStore()
    with pytest.raises(UserError, match=r"60 experiments in a row .*no space left.*goes on"):
        drive(source_for(study, store), FakeExecutor(fails), store, SilentMonitor(), StopAfter())
    assert set(store.reasons.values()) == {"invented"}
    assert len(store.stored(study.digest)) == sum(done) < 3000


def test_some_bad_experiments_stop_the_sweep() -> None:
    poison = {100, 101, 102, 700, 701, 2999}

    def fails(task: Task) -> str | None:
        return "worker died" if poison & set(task.indices) else None

    study, store, monitor = small_study(3000), FakeStore(), SilentMonitor()
    drive(source_for(study, store), FakeExecutor(fails), store, monitor, StopAfter())
    assert len(store.stored(study.digest)) == 3000
    assert {index for index, why in store.reasons.items() if why == "worker died"} == poison
    assert len(monitor.notes) == len(poison)


def test_bad_experiment_in_every_hundred_stops_the_sweep() -> None:
    """Evenly spread, so that nearly every task has one."""
    poison = set(range(37, 3000, 100))

    def fails(task: Task) -> str | None:
        return "worker died" if poison & set(task.indices) else None

    study, store, monitor = small_study(3000), FakeStore(), SilentMonitor()
    executor = FakeExecutor(fails)
    drive(source_for(study, store), executor, store, monitor, StopAfter())
    assert len(store.stored(study.digest)) == 3000
    assert {index for index, why in store.reasons.items() if why == "worker died"} == poison
    failed = [task for task in executor.seen if poison & set(task.indices)]
    alone = Counter(index for task in failed if len(task.indices) == 1 for index in task.indices)
    assert set(alone) == poison
    assert set(alone.values()) == {ATTEMPTS}
    # Each failure is a worker's start or a time limit: ATTEMPTS and about two a bad experiment.
    assert len(failed) <= 5 * len(poison)


def test_experiments_are_blamed_for_machines_that_leave() -> None:
    study, store, monitor = small_study(500), FakeStore(), SilentMonitor()
    executor = LeavingExecutor(lambda task: task.losses < LOSSES - 1)
    drive(source_for(study, store), executor, store, monitor, StopAfter())
    assert set(store.reasons.values()) == {"invented"}
    assert len(store.stored(study.digest)) == 500
    assert not any(task.suspect for task in executor.seen)


def test_experiment_takes_one_machine_down_after_the_other() -> None:
    study, store, monitor = small_study(500), FakeStore(), SilentMonitor()
    executor = LeavingExecutor(lambda task: 123 in set(task.indices))
    drive(source_for(study, store), executor, store, monitor, StopAfter())
    assert len(store.stored(study.digest)) == 500
    (reason,) = {why for why in store.reasons.values() if why != "invented"}
    assert reason == "lost 4 times with its machine, at last: its node has left"
    assert reason == store.reasons[123]


def test_task_that_was_not_begun_is_blamed() -> None:
    study, store = small_study(500), FakeStore()
    executor = LeavingExecutor(lambda task: executor.count[task.indices] <= 10, begun=False)
    drive(source_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert set(store.reasons.values()) == {"invented"}
    assert all(task.losses == 0 for task in executor.seen)


def test_run_without_any_worker_at_the_moment_ends_before_it_is_done() -> None:
    study, store = small_study(100), FakeStore()
    executor = AbsentExecutor()
    tally = drive(source_for(study, store), executor, store, SilentMonitor(), StopAfter())
    assert tally.trained == 100
    assert not tally.interrupted
