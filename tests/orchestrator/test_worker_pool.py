"""Measured speeds of workers, shares of the work, and time limits."""

from __future__ import annotations

import pytest

from orchestrator.driver import MAX_INITIAL_FAILURES
from orchestrator.job import Job
from orchestrator.worker_kinds import Speeds, WorkerCounts, WorkerKind
from search.indices import IndexSet
from tests.orchestrator.fakes import small_study
from workers.task import Task

CPU, OTHER_CPU = WorkerKind("cpu", "numba", "a"), WorkerKind("cpu", "numba", "b")
GPU = WorkerKind("cuda", "torch-cuda", "b")


def test_speed_of_a_new_machine_is_that_of_the_same_backend() -> None:
    speeds = Speeds()
    speeds.observe(CPU, 1e-6)
    assert speeds.seconds_per_cost(GPU) is None
    assert speeds.seconds_per_cost(OTHER_CPU) == 1e-6
    speeds.observe(GPU, 1e-8)
    assert speeds.seconds_per_cost(GPU) == 1e-8
    assert speeds.seconds_per_cost(CPU) == 1e-6


def test_speed_is_a_running_mean() -> None:
    speeds = Speeds()
    speeds.observe(CPU, 1e-6)
    speeds.observe(CPU, 3e-6)
    assert 1e-6 < (speeds.seconds_per_cost(CPU) or 0.0) < 3e-6


def test_share_of_a_worker_is_proportional_to_its_speed() -> None:
    speeds = Speeds()
    counts = WorkerCounts({CPU: 6, GPU: 1}, frozenset({"cpu", "cuda"}))
    assert speeds.share(CPU, counts) == pytest.approx(1 / 7)
    speeds.observe(CPU, 1e-6)
    speeds.observe(GPU, 1e-6 / 4)
    assert speeds.share(GPU, counts) == pytest.approx(0.4)
    assert speeds.share(CPU, counts) == pytest.approx(0.1)


def job(cost: float, *, suspect: bool = False) -> Job:
    task = Task(small_study(1), IndexSet(((0, 1),)), "s")
    return Job(task, cost, suspect=suspect)


def test_time_limit_is_a_multiple_of_the_expected_duration() -> None:
    expected_s = 1000.0
    assert 2 * expected_s <= job(1e9).time_limit_s(1e-6, 0) <= 100 * expected_s
    assert job(1e9, suspect=True).time_limit_s(1e-6, 0) == job(1e9).time_limit_s(1e-6, 0)


def test_time_limit_of_a_short_task_leaves_time_to_import_and_compile() -> None:
    assert job(1.0).time_limit_s(1e-6, 0) >= 30.0
    # Many hanging experiments are found one after the other.
    assert 5.0 <= job(1.0, suspect=True).time_limit_s(1e-6, 0) < job(1.0).time_limit_s(1e-6, 0)


def test_hang_among_a_few_small_experiments_is_noticed_within_minutes() -> None:
    """Nothing has been measured yet: a run of 20 experiments may be a single task."""
    small, large = job(20 * 1000.0), job(1e7)
    assert 60.0 <= small.time_limit_s(None, 0) <= 180.0
    assert large.time_limit_s(None, 0) == 900.0


def test_time_limit_of_slow_experiments_grows_until_one_has_finished() -> None:
    """It grows before enough experiments have failed one after the other to abort the run."""
    assert job(1000.0).time_limit_s(None, MAX_INITIAL_FAILURES - 2) == 900.0
