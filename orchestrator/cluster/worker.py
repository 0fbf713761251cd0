"""One worker: an actor, what was sent to it, and how what comes back is to be taken."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import (
    ActorUnavailableError,
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
)

from orchestrator.worker_pool import WorkerKind
from workers.actor import Ready
from workers.task import Task
from workers.train import Device

logger = logging.getLogger(__name__)

_WHY = ("The actor is dead because", "The actor died because")

GET_TIMEOUT_S = 60.0
"""How long it may take to fetch rows that are said to be there."""


@dataclass
class Sent:
    """A task that was sent to a worker, and how long it may train it."""

    task: Task
    limit_s: float


@dataclass(eq=False)
class Worker:
    """An actor.

    Attributes:
        actor: its handle.
        device: what it trains on.
        warm_up: reference to the `Ready` that it says first.
        since: when it was asked for, or began the oldest of its tasks; by the pool's clock.
        kind: what it is; None until it is ready.
        node: where it is; "" until it is ready.
        code: the file that its process has its class from; "" until it is ready.
        sent: what it is to train, by reference, oldest first. An actor trains in this order.
    """

    actor: Any
    device: Device
    warm_up: Any
    since: float
    kind: WorkerKind | None = None
    node: str = ""
    code: str = ""
    sent: dict[Any, Sent] = field(default_factory=dict)

    def ready(self, said: Ready, now: float) -> None:
        """Takes note of what it says of itself."""
        self.kind = WorkerKind(self.device, said.backend, said.host)
        self.node = said.node
        self.code = said.code
        self.since = now

    def send(self, task: Task, limit_s: float, now: float) -> None:
        """Sends a task."""
        if not self.sent:
            self.since = now
        self.sent[self.actor.train.remote(task)] = Sent(task, limit_s)

    def take(self, reference: Any, now: float) -> Task:
        """Forgets a task that has ended; the next one begins."""
        self.since = now
        return self.sent.pop(reference).task

    def overdue(self, now: float) -> bool:
        """Whether it has been at its oldest task for longer than that may take."""
        oldest = next(iter(self.sent.values()), None)
        return oldest is not None and now - self.since > oldest.limit_s

    def take_all(self) -> list[Sent]:
        """Forgets everything that was sent to it, oldest first."""
        sent, self.sent = list(self.sent.values()), {}
        return sent

    def kill(self) -> None:
        """Ends it, whatever it is doing; what it still answers, nobody waits for."""
        ray.kill(self.actor)


def blames_task(error: RayError) -> bool:
    """Whether what happened to a worker is to be blamed on the task that it was training.

    Not if its node was lost or cannot be reached, nor if rows were lost on their way, nor if the
    node as a whole ran out of memory: `workers.memory` bounds what an experiment can take. Where
    Ray cannot say which, it is not, since an experiment that does such things does them again.
    """
    lost = (
        ActorUnavailableError,
        GetTimeoutError,
        NodeDiedError,
        ObjectLostError,
        OutOfMemoryError,
    )
    return not isinstance(error, lost) and "node has died" not in str(error)


def failed_by_itself(error: RayError) -> bool:
    """Whether a worker did not start because its own code raised: the next one will do the same.

    Not where its process or its node was lost, which says nothing about the next.
    """
    if isinstance(error, RayActorError):
        return error.actor_init_failed
    return isinstance(error, RayTaskError)


def reason_of(error: RayError) -> str:
    """What went wrong, in one line: the worker's own error where it is one."""
    if isinstance(error, RayActorError) and error.actor_init_failed:
        return _end_of_traceback(str(error))
    cause = error.cause if isinstance(error, RayTaskError) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    # Ray says first that an actor died, then whose it was, and only then why.
    said = next((line for line in lines if line.startswith(_WHY)), "")
    return f"{type(cause).__name__}: {said or ''.join(lines[:1])}"


def _end_of_traceback(text: str) -> str:
    """The line after the last frame: what was raised, without the rest of its message."""
    lines = [line for line in text.splitlines() if line.strip()]
    frames = [place for place, line in enumerate(lines[:-1]) if line.startswith(" ")]
    return lines[frames[-1] + 1 if frames else -1].strip()
