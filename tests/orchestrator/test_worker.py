"""Who is blamed for a lost worker, what is said of it, and how time is counted."""

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

from orchestrator.clock import LONGEST_STEP_S, PatientClock
from orchestrator.cluster.worker import Worker, blames_task, reason_of
from search.indices import IndexSet
from tests.orchestrator.fakes import small_study
from workers.task import Task


class FakeActor:
    """Its `train.remote` gives a new reference each time."""

    def __init__(self) -> None:
        self.train = self
        self._count = 0

    def remote(self, task: Task) -> str:
        self._count += 1
        return f"reference {self._count}"


def died(why: str) -> ActorDiedError:
    """As Ray makes it when an actor is lost."""
    context = ActorDiedErrorContext(
        class_name="Trainer", actor_id=bytes(16), error_message=why, pid=1
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
    ],
)
def test_task_is_blamed_for_its_node(error: RayError) -> None:
    assert not blames_task(error)


def test_task_that_crashes_its_worker_is_not_blamed() -> None:
    error = died("The actor is dead because its worker process has died. Worker exit type: X")
    assert blames_task(error)
    assert reason_of(error) == (
        "ActorDiedError: The actor is dead because its worker process has died. Worker exit type: X"
    )


def test_task_that_waited_is_taken_for_late() -> None:
    worker = Worker(FakeActor(), "cpu", None, 0.0)
    task = Task(small_study(1), IndexSet(((0, 1),)), "s")
    worker.send(task, 10.0, now=100.0)
    worker.send(task, 10.0, now=105.0)
    assert not worker.overdue(110.0)
    assert worker.overdue(110.5)
    worker.take("reference 1", now=109.0)
    assert not worker.overdue(119.0)
    assert worker.overdue(119.5)
    assert len(worker.take_all()) == 1
    assert not worker.overdue(1000.0)


def test_driver_that_was_stopped_gives_everything_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    clock = PatientClock()
    now += 0.5
    assert clock.now() == 0.5
    now += 3600.0
    assert clock.now() == 0.5 + LONGEST_STEP_S
