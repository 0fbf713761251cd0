"""The size and the order of tasks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchestrator.planning.plan import make_plan
from orchestrator.task_scheduler import (
    FIRST_COST,
    LARGEST_TASK,
    SMALLEST_TASK,
    TASK_SECONDS,
    TaskScheduler,
    parts,
)
from orchestrator.worker_pool import WorkerCounts, WorkerKind
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Table
from search.indices import IndexSet
from search.paper import paper_study
from search.study import Study
from tests.orchestrator.fakes import FakeStore, small_study
from workers.cost import experiment_cost
from workers.task import Task


def test_task_of_slow_experiments_lasts_for_minutes() -> None:
    study = small_study(100_000)
    cost = experiment_cost(study[0])
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], None), "s", None, 2)
    first = scheduler.next()
    assert first is not None
    assert len(first.indices) == min(LARGEST_TASK, int(FIRST_COST / cost))
    scheduler.observe(first, busy_s=len(first.indices) * 0.01)
    second = scheduler.next()
    assert second is not None
    assert len(second.indices) == pytest.approx(TASK_SECONDS / 0.01, abs=1)
    scheduler.observe(second, busy_s=len(second.indices) * 0.03)
    third = scheduler.next()
    assert third is not None
    assert len(third.indices) == pytest.approx(TASK_SECONDS / 0.02, abs=1)


def test_task_of_the_widest_networks_holds_as_many_as_one_of_the_narrowest() -> None:
    study = paper_study("overparam")
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], None), "s", None, 2)
    tasks = 0
    while (task := scheduler.next()) is not None:
        tasks += 1
        seconds = sum(experiment_cost(study[index]) for index in task.indices) * 7e-7
        scheduler.observe(task, seconds)
        dearest = max(experiment_cost(study[index]) for index in task.indices) * 7e-7
        # Sampled, so not exact. Without it a task of 33,000 cheap ones would be one of 5,000 s.
        assert seconds <= 10 * TASK_SECONDS
        assert dearest < TASK_SECONDS
    assert tasks > 300
    assert scheduler.work_left < 0.2


def test_work_that_was_handed_out_and_not_done_is_said_to_be_done() -> None:
    scheduler = TaskScheduler(make_plan([Selection.whole(small_study(3))], None), "s", None, 1)
    tasks = []
    while (task := scheduler.next()) is not None:
        tasks.append(task)
    assert (scheduler.left, scheduler.work_left) == (0, 1.0)
    for task in tasks:
        scheduler.observe(task, busy_s=0.001)
    assert scheduler.work_left == pytest.approx(0.0)
    assert TaskScheduler([], "s", None, 1).work_left == 0.0


def test_last_tasks_leave_all_workers_but_one_idle() -> None:
    scheduler = TaskScheduler(make_plan([Selection.whole(small_study(4000))], None), "s", None, 4)
    first = scheduler.next()
    assert first is not None
    scheduler.observe(first, busy_s=0.001)
    sizes = []
    while (task := scheduler.next()) is not None:
        sizes.append(len(task.indices))
    assert sum(sizes) == 4000 - len(first.indices)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] <= 4000 / 8
    assert sizes[-1] <= SMALLEST_TASK


def test_task_holds_experiments_of_two_studies() -> None:
    studies = [small_study(100, "one"), small_study(100, "two")]
    scheduler = TaskScheduler(make_plan([Selection.whole(s) for s in studies], None), "s", None, 1)
    done: dict[str, list[int]] = {"one": [], "two": []}
    while (task := scheduler.next()) is not None:
        done[task.study.name] += list(task.indices)
    assert done == {"one": list(range(100)), "two": list(range(100))}


def test_stored_experiments_are_handed_out_again() -> None:
    study, store = small_study(50), FakeStore()
    store.indices[study.digest] = IndexSet.of([(0, 10), (20, 45)])
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], store), "s", None, 1)
    task = scheduler.next()
    assert task is not None
    assert list(task.indices) == [*range(10, 20), *range(45, 50)]
    assert scheduler.next() is None


def mixed_methods(count: int) -> Study:
    """So many experiments, every third of which only the CPU can train, and those of the end."""
    rows = tuple(
        (0.001 * (n + 1), "gmp" if n % 3 == 2 or n >= count - 100 else "snip") for n in range(count)
    )
    base = Experiment(method="snip", width=4, target_nnz=10, epochs=1)
    return Study("mixed", "for tests", Table(("lr", "method"), rows), base)


CPU, GPU = WorkerKind("cpu", "numba", "a"), WorkerKind("cuda", "torch-cuda", "b")
BOTH = WorkerCounts({CPU: 2, GPU: 1}, frozenset({"cpu", "cuda"}))


def methods_of(tasks: Sequence[Task]) -> set[str]:
    return {task.study[index].method for task in tasks for index in task.indices}


def test_gpu_is_given_what_only_the_cpu_trains() -> None:
    study = mixed_methods(1000)
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], None), "s", None, 2)
    theirs = []
    while (task := scheduler.next(GPU, BOTH)) is not None:
        theirs.append(task)
    assert methods_of(theirs) == {"snip"}
    assert sum(len(task.indices) for task in theirs) == 600
    assert scheduler.left == 400
    ours = []
    while (task := scheduler.next(CPU, BOTH)) is not None:
        ours.append(task)
    assert methods_of(ours) == {"gmp"}
    assert IndexSet.from_indices(n for t in [*theirs, *ours] for n in t.indices) == IndexSet(
        ((0, 1000),)
    )
    assert sum(len(task.indices) for task in [*theirs, *ours]) == 1000


def test_gpu_alone_trains_nothing_of_what_the_cpu_should() -> None:
    scheduler = TaskScheduler(make_plan([Selection.whole(mixed_methods(300))], None), "s", None, 1)
    alone = WorkerCounts({GPU: 1}, frozenset({"cuda"}))
    trained = 0
    while (task := scheduler.next(GPU, alone)) is not None:
        trained += len(task.indices)
    assert trained == 300


def test_gpu_looks_through_all_of_a_study_without_work_for_it() -> None:
    rows = tuple((0.001 * (n + 1),) for n in range(200_000))
    base = Experiment(method="gmp", width=4, target_nnz=10, epochs=1)
    study = Study("gmp", "for tests", Table(("lr",), rows), base)
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], None), "s", None, 1)
    assert scheduler.next(GPU, BOTH) is None
    assert scheduler.left == 200_000
    task = scheduler.next(CPU, BOTH)
    assert task is not None
    assert task.indices.intervals[0][0] == 0


def test_gpu_finds_nothing_behind_what_the_cpu_must_train() -> None:
    rows = tuple((0.001 * (n + 1), "gmp" if n < 9000 else "snip") for n in range(10_000))
    base = Experiment(method="snip", width=4, target_nnz=10, epochs=1)
    study = Study("late", "for tests", Table(("lr", "method"), rows), base)
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], None), "s", None, 1)
    task = scheduler.next(GPU, BOTH)
    assert task is not None
    assert methods_of([task]) == {"snip"}


def test_curves_are_asked_of_a_gpu() -> None:
    plan = make_plan([Selection.whole(small_study(100))], None)
    scheduler = TaskScheduler(plan, "s", None, 1, curves=True)
    assert scheduler.next(GPU, BOTH) is None
    assert scheduler.next(CPU, BOTH) is not None


def test_tasks_of_a_fast_kind_are_as_small_as_those_of_a_slow_one() -> None:
    study = small_study(100_000)
    scheduler = TaskScheduler(make_plan([Selection.whole(study)], None), "s", None, 2)
    for kind, speed in ((CPU, 0.02), (GPU, 0.002)):
        task = scheduler.next(kind, BOTH)
        assert task is not None
        scheduler.observe(task, len(task.indices) * speed, kind)
    sizes = [len(task.indices) for kind in (CPU, GPU) if (task := scheduler.next(kind, BOTH))]
    assert sizes == [pytest.approx(300, abs=1), pytest.approx(3000, abs=1)]


def test_parts_of_a_task_lose_an_experiment() -> None:
    indices = IndexSet(((0, 70), (100, 130)))
    cut = parts(indices, 32)
    assert [len(part) for part in cut] == [4] * 4 + [3] * 28
    assert IndexSet.of(pair for part in cut for pair in part.intervals) == indices
    assert [list(part) for part in parts(IndexSet(((3, 5),)), 32)] == [[3], [4]]
