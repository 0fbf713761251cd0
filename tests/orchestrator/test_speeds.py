"""What is learnt of the workers' speeds, and how long a task may take."""

from __future__ import annotations

import pytest

from orchestrator.deadline import PATIENCE, SHORTEST_S, SUSPECT_S, UNKNOWN_S, time_limit_s
from orchestrator.speeds import Speeds
from orchestrator.worker_pool import WorkerCounts, WorkerKind

CPU, OTHER_CPU = WorkerKind("cpu", "numba", "a"), WorkerKind("cpu", "numba", "b")
GPU = WorkerKind("cuda", "torch-cuda", "b")


def test_gpu_is_taken_to_be_as_slow_as_a_cpu() -> None:
    speeds = Speeds()
    speeds.observe(CPU, 1e-6)
    assert speeds.seconds_a_cost(GPU) is None
    assert speeds.seconds_a_cost(OTHER_CPU) == 1e-6
    speeds.observe(GPU, 1e-8)
    assert speeds.seconds_a_cost(GPU) == 1e-8
    assert speeds.seconds_a_cost(CPU) == 1e-6


def test_one_slow_task_is_all_that_is_remembered() -> None:
    speeds = Speeds()
    speeds.observe(CPU, 1e-6)
    speeds.observe(CPU, 3e-6)
    assert speeds.seconds_a_cost(CPU) == pytest.approx(2e-6)


def test_fast_worker_gets_a_slow_one_s_share_of_the_end() -> None:
    speeds = Speeds()
    worker_counts = WorkerCounts({CPU: 6, GPU: 1}, frozenset({"cpu", "cuda"}))
    assert speeds.share(CPU, worker_counts) == pytest.approx(1 / 7)
    speeds.observe(CPU, 1e-6)
    speeds.observe(GPU, 1e-6 / 4)
    assert speeds.share(GPU, worker_counts) == pytest.approx(0.4)
    assert speeds.share(CPU, worker_counts) == pytest.approx(0.1)


def test_hang_is_waited_for_or_a_slow_task_given_up() -> None:
    assert time_limit_s(None, suspect=False) == UNKNOWN_S
    assert time_limit_s(0.1, suspect=False) == SHORTEST_S
    assert time_limit_s(0.1, suspect=True) == SUSPECT_S < SHORTEST_S
    assert time_limit_s(100.0, suspect=True) == 100.0 * PATIENCE
