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
        self._lost: list[Outcome] = []
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
        return sum(len(worker.tasks) for worker in self._pool) + len(self._lost)

    def __enter__(self) -> Self:
        """Starts or joins Ray, and all actors, and waits until they have compiled.

        Raises:
            UserError: no Ray at the address, or the actors cannot be placed there.
        """
        self._connect()
        try:
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
            self.backend = str(ray.get(ready[0], timeout=START_TIMEOUT_S))
            ray.get(ready, timeout=START_TIMEOUT_S)
        except RayTaskError as error:
            ray.shutdown()
            raise UserError(f"a worker could not start: {error.cause}") from error
        except BaseException:
            ray.shutdown()
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
            where = f"at {self._address}" if self._address else "on this machine"
            raise UserError(f"no Ray {where}: {error}") from error

    def _new_actor(self) -> Any:
        gpus = 1 if self._device == "cuda" else 0
        return TrainingActor.options(num_cpus=1, num_gpus=gpus).remote(self._inits, self._device)

    def submit(self, task: Task) -> None:
        """Sends a task to the worker with the fewest."""
        worker = min(self._pool, key=lambda candidate: len(candidate.tasks))
        worker.tasks[worker.actor.train.remote(task)] = task

    def wait(self, timeout_s: float) -> list[Outcome]:
        """What has come back; waits for the first, `timeout_s` at most.

        A worker that died is replaced. Its task, and the one that waited behind it, come back as
        failed.
        """
        outcomes, self._lost = self._lost, []
        references = {ref: worker for worker in self._pool for ref in worker.tasks}
        if not references:
            return outcomes
        ready, _ = ray.wait(
            list(references),
            num_returns=len(references),
            timeout=0 if outcomes else 0.05,
            fetch_local=True,
        )
        if not ready and not outcomes:
            ready, _ = ray.wait(list(references), num_returns=1, timeout=timeout_s)
        for reference in ready:
            worker = references[reference]
            task = worker.tasks.pop(reference, None)
            if task is not None:
                outcomes.append(self._outcome(reference, task, worker))
        return outcomes

    def _outcome(self, reference: Any, task: Task, worker: _Worker) -> Outcome:
        try:
            rows, busy_s = ray.get(reference, timeout=START_TIMEOUT_S)
        except RayTaskError as error:
            # The worker lives: the training itself raised.
            return Failed(task, f"{type(error.cause).__name__}: {error.cause}")
        except RayError as error:
            logger.warning("a worker was lost: %s", error)
            # What waited behind the task on the same worker is lost with it, but is not to blame.
            self._lost += [Failed(other, "its worker was lost") for other in worker.tasks.values()]
            worker.tasks = {}
            worker.actor = self._new_actor()
            return Failed(task, f"its worker was lost: {type(error).__name__}")
        return Done(task, rows, busy_s)

    def withdraw(self) -> list[Task]:
        """Takes back every worker's second task, which it has not begun."""
        withdrawn = []
        for worker in self._pool:
            for reference in list(worker.tasks)[1:]:
                ray.cancel(reference)
                withdrawn.append(worker.tasks.pop(reference))
        return withdrawn
