"""A worker: an actor, the jobs that were sent to it, and what an error says about them."""

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

from orchestrator.executor import TimeLimit
from orchestrator.job import Job
from orchestrator.worker_kinds import WorkerKind
from search.process_state import place_noted
from workers.actor import Ready
from workers.train import Device

logger = logging.getLogger(__name__)

GET_TIMEOUT_S = 60.0
"""Seconds to wait for rows that are reported to be ready."""

_CAUSE_OF_DEATH = ("The actor is dead because", "The actor died because")

_LOST_NODE = ("node has died", "node has crashed", "owner has died")
"""Phrases in Ray's errors that mean a lost node where the type of the error does not tell."""


@dataclass(eq=False)
class Worker:
    """An actor.

    Attributes:
        warm_up: reference to the `Ready` that it returns first.
        since: when it was requested, or when it started its oldest job; by the pool's clock.
        kind: its kind; None until it is ready.
        node: id of its node; "" until it is ready.
        code: file from which its process has imported its class; "" until it is ready.
        jobs: the jobs that were sent to it, by reference, oldest first. It trains in this order.
    """

    actor: Any
    device: Device
    warm_up: Any
    since: float
    kind: WorkerKind | None = None
    node: str = ""
    code: str = ""
    jobs: dict[Any, Job] = field(default_factory=dict)

    def become_ready(self, ready: Ready, now: float) -> None:
        """Take over what the actor reports about itself."""
        self.kind = WorkerKind(self.device, ready.backend, ready.host)
        self.node = ready.node
        self.code = ready.code
        self.since = now

    def send(self, job: Job, now: float) -> None:
        """Send a job."""
        if not self.jobs:
            self.since = now
        self.jobs[self.actor.train.remote(job.task)] = job

    def take(self, reference: Any, now: float) -> Job:
        """Remove and return a job that has ended; the next one starts now."""
        self.since = now
        return self.jobs.pop(reference)

    def overdue_after_s(self, now: float, time_limit_s: TimeLimit) -> float | None:
        """Return the time limit of its oldest job if that is exceeded, otherwise None."""
        oldest = next(iter(self.jobs.values()), None)
        if oldest is None or self.kind is None:
            return None
        limit_s = time_limit_s(oldest, self.kind)
        return limit_s if now - self.since > limit_s else None

    def take_all(self) -> list[Job]:
        """Remove and return all jobs, oldest first."""
        jobs, self.jobs = list(self.jobs.values()), {}
        return jobs

    def kill(self) -> None:
        """End the actor, whatever it is doing; what it still returns is dropped."""
        ray.kill(self.actor)


def blames_task(error: RayError) -> bool:
    """Return whether the task in training is to blame for what happened to its worker.

    It is not if the node was lost or is unreachable, if rows were lost in transit, or if the node
    as a whole ran out of memory, since `workers.actor.limit_memory` bounds what an experiment can
    take. Where Ray cannot tell, the task is not blamed either: an experiment that kills its worker
    will do so again.
    """
    lost = (
        ActorUnavailableError,
        GetTimeoutError,
        NodeDiedError,
        ObjectLostError,
        OutOfMemoryError,
    )
    text = str(error).lower()
    return not isinstance(error, lost) and not any(words in text for words in _LOST_NODE)


def failed_by_itself(error: RayError) -> bool:
    """Return whether a worker failed to start because its code raised an error.

    The next worker will fail in the same way. A lost process or node says nothing about it.
    """
    if isinstance(error, RayActorError):
        return error.actor_init_failed
    return isinstance(error, RayTaskError)


def reason_of(error: RayError) -> str:
    """Return in one line what went wrong: the worker's own error if there is one."""
    if isinstance(error, RayActorError) and error.actor_init_failed:
        # The line after the last frame: type and first line of the message of an error.
        lines = [line for line in str(error).splitlines() if line.strip()]
        frames = [position for position, line in enumerate(lines[:-1]) if line.startswith(" ")]
        return lines[frames[-1] + 1 if frames else -1].strip()
    cause = error.cause if isinstance(error, RayTaskError) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    # Ray's lines say first that an actor died, then which one, and only then why.
    why = next((line for line in lines if line.startswith(_CAUSE_OF_DEATH)), "")
    return f"{type(cause).__name__}: {why or ''.join(lines[:1])}{place_noted(cause)}"
