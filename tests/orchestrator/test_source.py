"""The size and the order of tasks."""

from __future__ import annotations

import pytest

from orchestrator.plan import make_plan
from orchestrator.source import FIRST_COST, LARGEST_TASK, SMALLEST_TASK, TASK_SECONDS, TaskSource
from search.catalogue import Selection
from search.indices import IndexSet
from search.paper import paper_study
from tests.orchestrator.fakes import FakeStore, small_study
from workers.cost import experiment_cost


def test_task_of_slow_experiments_lasts_for_minutes() -> None:
    study = small_study(100_000)
    cost = experiment_cost(study[0])
    source = TaskSource(make_plan([Selection.whole(study)], None), "s", None, 2)
    first = source.next()
    assert first is not None
    assert len(first.indices) == min(LARGEST_TASK, int(FIRST_COST / cost))
    source.observe(first, busy_s=len(first.indices) * 0.01)
    second = source.next()
    assert second is not None
    assert len(second.indices) == pytest.approx(TASK_SECONDS / 0.01, abs=1)
    source.observe(second, busy_s=len(second.indices) * 0.03)
    third = source.next()
    assert third is not None
    assert len(third.indices) == pytest.approx(TASK_SECONDS / 0.02, abs=1)


def test_task_of_the_widest_networks_holds_as_many_as_one_of_the_narrowest() -> None:
    study = paper_study("overparam")
    source = TaskSource(make_plan([Selection.whole(study)], None), "s", None, 2)
    tasks = 0
    while (task := source.next()) is not None:
        tasks += 1
        seconds = sum(experiment_cost(study[index]) for index in task.indices) * 1e-6
        source.observe(task, seconds)
        dearest = max(experiment_cost(study[index]) for index in task.indices) * 1e-6
        # Sampled, so not exact. Without it a task of 33,000 cheap ones would be one of 5,000 s.
        assert seconds <= 10 * TASK_SECONDS
        assert dearest < TASK_SECONDS
    assert tasks > 300
    assert source.work_left < 0.2


def test_last_tasks_leave_all_workers_but_one_idle() -> None:
    source = TaskSource(make_plan([Selection.whole(small_study(4000))], None), "s", None, 4)
    first = source.next()
    assert first is not None
    source.observe(first, busy_s=0.001)
    sizes = []
    while (task := source.next()) is not None:
        sizes.append(len(task.indices))
    assert sum(sizes) == 4000 - len(first.indices)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] <= 4000 / 8
    assert sizes[-1] <= SMALLEST_TASK


def test_task_holds_experiments_of_two_studies() -> None:
    studies = [small_study(100, "one"), small_study(100, "two")]
    source = TaskSource(make_plan([Selection.whole(s) for s in studies], None), "s", None, 1)
    done: dict[str, list[int]] = {"one": [], "two": []}
    while (task := source.next()) is not None:
        done[task.study.name] += list(task.indices)
    assert done == {"one": list(range(100)), "two": list(range(100))}


def test_stored_experiments_are_handed_out_again() -> None:
    study, store = small_study(50), FakeStore()
    store.indices[study.digest] = IndexSet.of([(0, 10), (20, 45)])
    source = TaskSource(make_plan([Selection.whole(study)], store), "s", None, 1)
    task = source.next()
    assert task is not None
    assert list(task.indices) == [*range(10, 20), *range(45, 50)]
    assert source.next() is None
