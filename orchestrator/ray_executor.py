"""The executor on Ray: a fixed pool of actors on this machine or on a cluster."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError, RayTaskError

from orchestrator.errors import UserError
from orchestrator.executor import Done, Failed, Outcome
from workers.actor import TrainingActor
from workers.initial import StoredInit
from workers.task import Task
from workers.train import Device

logger = logging.getLogger(__name__)

TASKS_PER_WORKER = 2
"""One in training and one waiting, so that no worker waits for the driver."""

START_TIMEOUT_S = 300.0
"""How long the actors may take to start and compile before the run gives up."""

GROUP_S = 0.05
"""How long tasks that end at about the same time are waited for, to come back together."""

OBJECT_STORE_BYTES = 256 * 2**20
"""Shared memory for results under way on this machine: a task's rows are about half a megabyte."""


@dataclass
class _Worker:
    actor: Any
    tasks: dict[Any, Task] = field(default_factory=dict)


class RayExecutor:
    """Trains on Ray actors; tasks go to the worker that has the fewest.

    Args:
        workers: actors to start.
        inits: stored initialisations by token.
        device: where the actors train: a "cuda" actor takes a whole GPU.
        address: a Ray cluster to join; None starts Ray on this machine, for this run alone.
    """

    def __init__(
        self,
        workers: int,
        inits: Mapping[str, StoredInit],
        device: Device,
        address: str | None = None,
    ) -> None:
        self._count = workers
        self._inits = inits
        self._device: Device = device
        self._address = address
        self._pool: list[_Worker] = []
        self.backend = ""

    @property
    def workers(self) -> int:
        """Number of actors."""
        return self._count

    @property
    def capacity(self) -> int:
        """Two tasks a worker."""
        return TASKS_PER_WORKER * self._count

    @property
    def in_flight(self) -> int:
        """Number of tasks submitted and not yet come back."""
        return sum(len(worker.tasks) for worker in self._pool)

    def __enter__(self) -> Self:
        """Starts or joins Ray, and all actors, and waits until they have compiled.

        Raises:
            UserError: no Ray at the address, or the actors cannot be placed there.
        """
        self._connect()
        try:
            self._start_workers()
        except BaseException as error:
            ray.shutdown()
            if isinstance(error, RayError):
                raise UserError(f"a worker could not start: {_reason(error)}") from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ray.shutdown()

    def _connect(self) -> None:
        """Ray on this machine unless told otherwise: a stale address file misleads a bare init."""
        quiet: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "namespace": "sparsest",
        }
        try:
            if self._address is not None:
                ray.init(address=self._address, **quiet)
                return
            ray.init(
                address="local",
                num_cpus=self._count,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                **quiet,
            )
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            if self._address is None:
                raise UserError(f"Ray does not start on this machine: {error}") from error
            raise UserError(
                f"cannot join Ray at {self._address}: {error}. If the cluster asks for a token, it "
                "must be in RAY_AUTH_TOKEN or ~/.ray/auth_token here as well"
            ) from error

    def _start_workers(self) -> None:
        self._pool = [_Worker(self._new_actor()) for _ in range(self._count)]
        started = [worker.actor.warm_up.remote() for worker in self._pool]
        ready, waiting = ray.wait(
            started, num_returns=len(started), timeout=START_TIMEOUT_S, fetch_local=True
        )
        if waiting:
            raise UserError(
                f"only {len(ready)} of {self._count} workers started within "
                f"{START_TIMEOUT_S:.0f} s: ask for fewer with --workers, or free resources"
            )
        self.backend = str(ray.get(ready, timeout=START_TIMEOUT_S)[0])

    def _new_actor(self) -> Any:
        gpus = 1 if self._device == "cuda" else 0
        return TrainingActor.options(num_cpus=1, num_gpus=gpus).remote(self._inits, self._device)

    def submit(self, task: Task) -> None:
        """Sends a task to the worker with the fewest."""
        worker = min(self._pool, key=lambda candidate: len(candidate.tasks))
        worker.tasks[worker.actor.train.remote(task)] = task

    def wait(self, timeout_s: float) -> list[Outcome]:
        """What has come back; waits for the first, `timeout_s` at most.

        A worker that died is replaced, and its task comes back as failed.
        """
        references = {ref: worker for worker in self._pool for ref in worker.tasks}
        if not references:
            return []
        ready, _ = ray.wait(list(references), num_returns=len(references), timeout=GROUP_S)
        if not ready:
            ready, _ = ray.wait(list(references), num_returns=1, timeout=timeout_s)
        outcomes = []
        for reference in ready:
            worker = references[reference]
            if reference in worker.tasks:  # not moved to a new actor meanwhile
                outcomes.append(self._outcome(reference, worker))
        return outcomes

    def _outcome(self, reference: Any, worker: _Worker) -> Outcome:
        try:
            rows, busy_s = ray.get(reference, timeout=START_TIMEOUT_S)
        except RayTaskError as error:
            # The worker lives: the training itself raised. The log gets the worker's traceback.
            logger.warning("a task failed: %s", error)
            return Failed(worker.tasks.pop(reference), _reason(error))
        except RayError as error:
            logger.warning("a worker was lost: %s", error)
            return Failed(self._replace(worker), f"its worker was lost: {_reason(error)}")
        return Done(worker.tasks.pop(reference), rows, busy_s)

    def _replace(self, worker: _Worker) -> Task:
        """Puts a new actor in a worker's place; returns the task that the old one died of.

        An actor does its tasks in order, so it died of the oldest. The others were not begun, are
        not to blame, and go to the new actor.
        """
        blamed, *others = worker.tasks.values()
        ray.kill(worker.actor)
        worker.actor = self._new_actor()
        worker.tasks = {worker.actor.train.remote(task): task for task in others}
        return blamed

    def withdraw(self) -> list[Task]:
        """Takes back the tasks behind each worker's oldest unfinished one, which it is training.

        An actor begins whatever was sent to it, even what `ray.cancel` was called on: a task that
        was taken back may yet be trained, for nobody.
        """
        withdrawn = []
        for worker in self._pool:
            references = list(worker.tasks)
            if not references:
                continue
            _, unfinished = ray.wait(references, num_returns=len(references), timeout=0)
            withdrawn += [worker.tasks.pop(reference) for reference in unfinished[1:]]
        return withdrawn


def _reason(error: RayError) -> str:
    """What went wrong, in one line: the worker's own error where it is one."""
    cause = error.cause if isinstance(error, RayTaskError) else error
    return f"{type(cause).__name__}: {cause}".partition("\n")[0]
