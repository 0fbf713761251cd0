"""Blame for a lost worker, its reason in one line, and the counting of time."""

from __future__ import annotations

import time

import pytest
from ray.core.generated.common_pb2 import ActorDiedErrorContext  # type: ignore[attr-defined]
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    GetTimeoutError,
    ObjectLostError,
    OutOfMemoryError,
    RayError,
)

from orchestrator.cluster.watch import MAX_STEP_S, PatientClock
from orchestrator.cluster.worker import Worker, blames_task, reason_of
from orchestrator.job import Job
from orchestrator.worker_kinds import WorkerKind
from search.indices import IndexSet
from tests.orchestrator.fakes import small_study
from workers.actor import Ready
from workers.task import Task


class FakeActor:
    """An actor whose `train.remote` returns a new reference each time."""

    def __init__(self) -> None:
        self.train = self
        self._count = 0

    def remote(self, task: Task) -> str:
        self._count += 1
        return f"reference {self._count}"


def died(why: str) -> ActorDiedError:
    """Return Ray's error for a lost actor."""
    context = ActorDiedErrorContext(
        class_name="TrainingWorker", actor_id=bytes(16), error_message=why, pid=1
    )
    return ActorDiedError(context)


@pytest.mark.parametrize(
    "error",
    [
        ActorUnavailableError("Socket closed", None),
        GetTimeoutError("late"),
        ObjectLostError("00", b"", ""),
        OutOfMemoryError("the node is low on memory"),  # type: ignore[no-untyped-call]
        died("The actor died because its node has died. Node Id: 12"),
        died(
            "The actor is dead because its owner has died. Owner Id: 01. Owner worker exit type: X"
        ),
        died(
            "The actor is dead because all references to it were removed: Owner's node has crashed."
        ),
    ],
)
def test_task_keeps_its_attempts_after_a_lost_node(error: RayError) -> None:
    assert not blames_task(error)


def test_crash_of_a_worker_is_blamed_on_its_task() -> None:
    error = died("The actor is dead because its worker process has died. Worker exit type: X")
    assert blames_task(error)
    assert reason_of(error) == (
        "ActorDiedError: The actor is dead because its worker process has died. Worker exit type: X"
    )


def test_time_limit_counts_from_the_start_of_the_training() -> None:
    worker = Worker(FakeActor(), "cpu", None, 0.0)
    worker.become_ready(Ready("numba", "node", "127.0.0.1", "actor.py"), 0.0)
    job = Job(Task(small_study(1), IndexSet(((0, 1),)), "s"), 1.0)

    def limit_s(job: Job, kind: WorkerKind) -> float:
        return 10.0

    worker.send(job, now=100.0)
    worker.send(job, now=105.0)
    assert worker.overdue_after_s(110.0, limit_s) is None
    assert worker.overdue_after_s(110.5, limit_s) == 10.0
    worker.take("reference 1", now=109.0)
    assert worker.overdue_after_s(119.0, limit_s) is None
    assert worker.overdue_after_s(119.5, limit_s) == 10.0
    assert len(worker.take_all()) == 1
    assert worker.overdue_after_s(1000.0, limit_s) is None


def test_clock_does_not_advance_while_the_driver_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    clock = PatientClock()
    now += 0.5
    assert clock.now() == 0.5
    now += 3600.0
    assert clock.now() == 0.5 + MAX_STEP_S
