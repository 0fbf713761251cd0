"""The size and the order of tasks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchestrator.job import Job
from orchestrator.planning.plan import make_plan
from orchestrator.task_scheduler import (
    FIRST_TASK_COST,
    LARGEST_TASK,
    SMALLEST_TASK,
    TASK_SECONDS,
    TaskScheduler,
    parts,
)
from orchestrator.worker_kinds import DEFAULT_KIND, WorkerCounts, WorkerKind
from search.catalogue import Selection
from search.experiment import Experiment
from search.grid import Table
from search.indices import IndexSet
from search.paper import paper_study
from search.study import Study
from tests.orchestrator.fakes import FakeStore, small_study
from workers.cost import experiment_cost


class Scheduler:
    """A scheduler whose workers are all of one kind."""

    def __init__(self, *studies: Study, workers: int, store: FakeStore | None = None) -> None:
        plan = make_plan([Selection.of_study(study) for study in studies], store)
        self.inner = TaskScheduler(plan, "s", None)
        self._counts = WorkerCounts({DEFAULT_KIND: workers})

    def next(self) -> Job | None:
        return self.inner.next(DEFAULT_KIND, self._counts)

    def finish(self, job: Job, busy_s: float) -> None:
        self.inner.finish(job, busy_s, DEFAULT_KIND)


def size(job: Job | None) -> int:
    assert job is not None
    return len(job.task.indices)


def test_task_lasts_a_few_seconds() -> None:
    study = small_study(100_000)
    scheduler = Scheduler(study, workers=2)
    first = scheduler.next()
    assert first is not None
    assert size(first) == min(LARGEST_TASK, int(FIRST_TASK_COST / experiment_cost(study[0])))
    scheduler.finish(first, busy_s=size(first) * 0.01)
    second = scheduler.next()
    assert second is not None
    assert size(second) == pytest.approx(TASK_SECONDS / 0.01, abs=1)
    scheduler.finish(second, busy_s=size(second) * 0.03)
    assert size(scheduler.next()) == pytest.approx(TASK_SECONDS / 0.02, abs=1)


def test_task_of_wide_networks_has_fewer_of_them() -> None:
    study = paper_study("overparam")
    scheduler = Scheduler(study, workers=2)
    tasks = 0
    while (job := scheduler.next()) is not None:
        tasks += 1
        costs = [experiment_cost(study[index]) for index in job.task.indices]
        seconds = sum(costs) * 7e-7
        scheduler.finish(job, seconds)
        # The cost is sampled, so approximate. Without it, a task of 33,000 would take 5,000 s.
        assert seconds <= 10 * TASK_SECONDS
        assert max(costs) * 7e-7 < TASK_SECONDS
    assert tasks > 300
    assert scheduler.inner.work_left < 0.2


def test_work_counts_as_done_when_its_rows_are_back() -> None:
    scheduler = Scheduler(small_study(3), workers=1)
    jobs = []
    while (job := scheduler.next()) is not None:
        jobs.append(job)
    assert (scheduler.inner.left, scheduler.inner.work_left) == (0, 1.0)
    for job in jobs:
        scheduler.finish(job, busy_s=0.001)
    assert scheduler.inner.work_left == pytest.approx(0.0)
    assert Scheduler(workers=1).inner.work_left == 0.0


def test_end_of_a_sweep_is_shared_by_all_workers() -> None:
    scheduler = Scheduler(small_study(4000), workers=4)
    first = scheduler.next()
    assert first is not None
    scheduler.finish(first, busy_s=0.001)
    sizes = []
    while (job := scheduler.next()) is not None:
        sizes.append(size(job))
    assert sum(sizes) == 4000 - size(first)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] <= 4000 / 8
    assert sizes[-1] <= SMALLEST_TASK


def test_first_tasks_of_a_short_run_are_shared_by_all_workers() -> None:
    scheduler = Scheduler(small_study(20), workers=2)
    sizes = [size(scheduler.next()) for _ in range(4)]
    assert max(sizes) <= 5


def test_task_holds_experiments_of_one_study() -> None:
    scheduler = Scheduler(small_study(100, "one"), small_study(100, "two"), workers=1)
    done: dict[str, list[int]] = {"one": [], "two": []}
    while (job := scheduler.next()) is not None:
        done[job.task.study.name] += list(job.task.indices)
    assert done == {"one": list(range(100)), "two": list(range(100))}


def test_stored_experiments_are_left_out() -> None:
    study, store = small_study(50), FakeStore()
    store.indices[study.digest] = IndexSet.of([(0, 10), (20, 45)])
    scheduler = Scheduler(study, workers=1, store=store)
    indices: list[int] = []
    while (job := scheduler.next()) is not None:
        indices += list(job.task.indices)
    assert indices == [*range(10, 20), *range(45, 50)]


def mixed_methods(count: int) -> Study:
    """A study in which only the CPU can train every third experiment and the last hundred."""
    rows = tuple(
        (0.001 * (n + 1), "gmp" if n % 3 == 2 or n >= count - 100 else "snip") for n in range(count)
    )
    base = Experiment(method="snip", width=4, target_nnz=10, epochs=1)
    return Study("mixed", "for tests", Table(("lr", "method"), rows), base)


CPU, GPU = WorkerKind("cpu", "numba", "a"), WorkerKind("cuda", "torch-cuda", "b")
BOTH = WorkerCounts({CPU: 2, GPU: 1}, frozenset({"cpu", "cuda"}))


def scheduler_for(study: Study, *, curves: bool = False) -> TaskScheduler:
    return TaskScheduler(make_plan([Selection.of_study(study)], None), "s", None, curves=curves)


def methods_of(jobs: Sequence[Job]) -> set[str]:
    return {job.task.study[index].method for job in jobs for index in job.task.indices}


def test_gpu_beside_cpus_gets_only_what_any_device_can_train() -> None:
    scheduler = scheduler_for(mixed_methods(1000))
    of_gpu = []
    while (job := scheduler.next(GPU, BOTH)) is not None:
        of_gpu.append(job)
    assert methods_of(of_gpu) == {"snip"}
    assert sum(map(size, of_gpu)) == 600
    assert scheduler.left == 400
    of_cpu = []
    while (job := scheduler.next(CPU, BOTH)) is not None:
        of_cpu.append(job)
    assert methods_of(of_cpu) == {"gmp"}
    indices = [n for job in [*of_gpu, *of_cpu] for n in job.task.indices]
    assert sorted(indices) == list(range(1000))


def test_gpu_alone_trains_everything() -> None:
    scheduler = scheduler_for(mixed_methods(300))
    alone = WorkerCounts({GPU: 1}, frozenset({"cuda"}))
    trained = 0
    while (job := scheduler.next(GPU, alone)) is not None:
        trained += size(job)
    assert trained == 300


def test_search_for_work_of_a_gpu_is_bounded() -> None:
    rows = tuple((0.001 * (n + 1),) for n in range(200_000))
    base = Experiment(method="gmp", width=4, target_nnz=10, epochs=1)
    scheduler = scheduler_for(Study("gmp", "for tests", Table(("lr",), rows), base))
    assert scheduler.next(GPU, BOTH) is None
    assert scheduler.left == 200_000
    job = scheduler.next(CPU, BOTH)
    assert job is not None
    assert job.task.indices.intervals[0][0] == 0


def test_gpu_finds_work_after_thousands_of_experiments_for_the_cpu() -> None:
    rows = tuple((0.001 * (n + 1), "gmp" if n < 9000 else "snip") for n in range(10_000))
    base = Experiment(method="snip", width=4, target_nnz=10, epochs=1)
    scheduler = scheduler_for(Study("late", "for tests", Table(("lr", "method"), rows), base))
    job = scheduler.next(GPU, BOTH)
    assert job is not None
    assert methods_of([job]) == {"snip"}


def test_curves_are_measured_by_cpus() -> None:
    scheduler = scheduler_for(small_study(100), curves=True)
    assert scheduler.next(GPU, BOTH) is None
    assert scheduler.next(CPU, BOTH) is not None


def test_fast_kind_gets_larger_tasks() -> None:
    scheduler = scheduler_for(small_study(100_000))
    for kind, speed in ((CPU, 0.02), (GPU, 0.002)):
        job = scheduler.next(kind, BOTH)
        assert job is not None
        scheduler.finish(job, size(job) * speed, kind)
    sizes = [size(scheduler.next(kind, BOTH)) for kind in (CPU, GPU)]
    assert sizes == [pytest.approx(300, abs=1), pytest.approx(3000, abs=1)]


def test_cost_of_a_job_is_that_of_its_experiments() -> None:
    """Use a study whose experiments cost the same, so that sampling does not matter."""
    study = small_study(1000)
    scheduler = scheduler_for(study)
    job = scheduler.next(CPU, BOTH)
    assert job is not None
    assert job.cost == pytest.approx(size(job) * experiment_cost(study[0]))
    scheduler.split(job)
    part_costs = []
    while (part := scheduler.next(CPU, BOTH)) is not None:
        if part.suspect:
            part_costs.append(part.cost)
    assert sum(part_costs) == pytest.approx(job.cost)


def test_parts_are_nearly_equal_and_complete() -> None:
    indices = IndexSet(((0, 70), (100, 130)))
    cut = parts(indices, 32)
    assert [len(part) for part in cut] == [4] * 4 + [3] * 28
    assert IndexSet.of(pair for part in cut for pair in part.intervals) == indices
    assert [list(part) for part in parts(IndexSet(((3, 5),)), 32)] == [[3], [4]]
