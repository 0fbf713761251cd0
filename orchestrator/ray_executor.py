"""The executor on Ray: a pool of actors on this machine or on a cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError, RayTaskError

from orchestrator.clock import PatientClock
from orchestrator.cluster import session
from orchestrator.cluster.pool import Pool
from orchestrator.cluster.size import Wish
from orchestrator.cluster.watch import ClusterWatch
from orchestrator.cluster.worker import GET_TIMEOUT_S, Worker, blames_task, reason_of
from orchestrator.executor import Done, Failed, Outcome, Returned
from orchestrator.worker_pool import WorkerCounts, WorkerKind
from workers.actor import TrainingActor
from workers.initial import StoredInit
from workers.task import Task

logger = logging.getLogger(__name__)

TASKS_PER_WORKER = 2
"""One in training and one waiting, so that no worker waits for the driver."""

GROUP_S = 0.05
"""How long tasks that end at about the same time are waited for, to come back together."""

LOOK_EVERY_S = 1.0
"""How often the pool is brought in line with the cluster."""


@dataclass(frozen=True)
class ThisMachine:
    """Ray on this machine, for one run.

    Attributes:
        cpus: workers, those of GPUs included.
        gpus: how many of them train on a GPU.
    """

    cpus: int
    gpus: int = 0


class RayExecutor:
    """Trains on Ray actors; tasks go to the worker that has the fewest.

    Args:
        wish: which workers to have.
        inits: stored initialisations by token.
        where: address of a Ray cluster to join, or this machine.
        actor: the class of the actors.
    """

    def __init__(
        self,
        wish: Wish,
        inits: Mapping[str, StoredInit],
        where: str | ThisMachine,
        actor: Any = TrainingActor,
    ) -> None:
        self._where = where
        self._clock = PatientClock()
        self._watch = ClusterWatch(self._clock)
        self._pool = Pool(wish, inits, self._watch, self._clock, actor)
        self._looked_at = 0.0
        self._look_now = False
        self._returned: list[Outcome] = []

    @property
    def workers(self) -> int:
        """Number of workers: on a cluster, the most that there have been at the same time."""
        return self._where.cpus if isinstance(self._where, ThisMachine) else self._pool.most

    @property
    def worker_counts(self) -> WorkerCounts:
        """The workers that are ready now."""
        return self._pool.worker_counts

    @property
    def in_flight(self) -> int:
        """Number of tasks submitted and not yet come back."""
        return len(self._returned) + sum(len(worker.sent) for worker in self._pool.ready)

    def __enter__(self) -> Self:
        """Starts or joins Ray, and waits until the first actor has compiled.

        Raises:
            UserError: no Ray at the address, or no actor can be placed there.
        """
        if isinstance(self._where, ThisMachine):
            session.start_here(self._where.cpus, self._where.gpus)
        else:
            session.join(self._where)
        try:
            self._watch.start()
            while not self._pool.ready:
                self._pool.look()
                time.sleep(GROUP_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watch.stop()
        session.leave()

    def vacancies(self) -> list[WorkerKind]:
        """The kind of each worker with fewer tasks than it can take, the idle ones first."""
        fewest_first = sorted(self._pool.ready, key=lambda worker: len(worker.sent))
        return [
            worker.kind
            for worker in fewest_first
            if worker.kind is not None and len(worker.sent) < TASKS_PER_WORKER
        ]

    def submit(self, task: Task, kind: WorkerKind, limit_s: float) -> None:
        """Sends a task to the worker of this kind with the fewest."""
        worker = min(
            (worker for worker in self._pool.ready if worker.kind == kind),
            key=lambda candidate: len(candidate.sent),
        )
        worker.send(task, limit_s, self._clock.now())

    def wait(self, timeout_s: float) -> list[Outcome]:
        """What has come back; waits for the first, `timeout_s` at most.

        A worker that died or hangs is given up, and its task comes back as failed.

        Raises:
            UserError: the head is gone, or there is no worker and none comes.
        """
        self._look()
        references = {ref: worker for worker in self._pool.ready for ref in worker.sent}
        starting = [worker.warm_up for worker in self._pool.starting]
        if self._returned:
            timeout_s = 0.0
        outcomes, self._returned = self._returned, []
        if not references and not starting:
            time.sleep(timeout_s)
            return outcomes
        ready: list[Any] = []
        if references:
            ready, _ = ray.wait(list(references), num_returns=len(references), timeout=GROUP_S)
        if not ready:
            ready, _ = ray.wait([*references, *starting], num_returns=1, timeout=timeout_s)
        for reference in ready:
            worker = references.get(reference)
            if worker is None:  # one that has started: let it begin
                self._look_now = True
            elif reference in worker.sent:  # not given up meanwhile
                outcomes += self._outcomes(reference, worker)
        outcomes += self._overdue()
        return outcomes

    def withdraw(self) -> list[Task]:
        """Takes back the tasks behind each worker's oldest unfinished one, which it is training.

        An actor begins whatever was sent to it, even what `ray.cancel` was called on: a task that
        was taken back may yet be trained, for nobody.
        """
        withdrawn = []
        for worker in self._pool.ready:
            references = list(worker.sent)
            if not references:
                continue
            _, unfinished = ray.wait(references, num_returns=len(references), timeout=0)
            withdrawn += [worker.sent.pop(reference).task for reference in unfinished[1:]]
        return withdrawn

    def _look(self) -> None:
        """Brings the pool in line with the cluster, from time to time."""
        now = self._clock.now()
        if not self._look_now and self._pool.ready and now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at, self._look_now = now, False
        for worker in self._pool.look():
            self._returned += _returned(worker, "its node has left the cluster")

    def _outcomes(self, reference: Any, worker: Worker) -> Iterator[Outcome]:
        assert worker.kind is not None
        try:
            rows, busy_s = ray.get(reference, timeout=GET_TIMEOUT_S)
        except RayTaskError as error:
            # The worker lives: the training itself raised. The log gets the worker's traceback.
            logger.warning("a task failed: %s", error)
            yield Failed(worker.take(reference, self._clock.now()), reason_of(error), worker.kind)
        except RayError as error:
            logger.warning("a worker was lost: %s", error)
            reason = f"its worker was lost: {reason_of(error)}"
            yield from self._give_up(worker, reason, blame=blames_task(error))
        else:
            yield Done(worker.take(reference, self._clock.now()), rows, busy_s, worker.kind)

    def _overdue(self) -> Iterator[Outcome]:
        now = self._clock.now()
        for worker in [worker for worker in self._pool.ready if worker.overdue(now)]:
            _, unfinished = ray.wait(list(worker.sent), num_returns=len(worker.sent), timeout=0)
            if next(iter(worker.sent)) in unfinished:
                limit_s = next(iter(worker.sent.values())).limit_s
                reason = f"it took longer than {limit_s:.0f} s, and its worker was killed"
                yield from self._give_up(worker, reason, blame=True)

    def _give_up(self, worker: Worker, reason: str, *, blame: bool) -> Iterator[Outcome]:
        """Ends a worker.

        An actor does its tasks in order, so only the oldest can be to blame. The others were not
        begun.
        """
        self._pool.remove(worker)
        if not blame:
            yield from _returned(worker, reason)
            return
        assert worker.kind is not None
        blamed, *others = worker.take_all()
        yield Failed(blamed.task, reason, worker.kind)
        yield from (Returned(sent.task, reason, begun=False) for sent in others)


def _returned(worker: Worker, reason: str) -> Iterator[Outcome]:
    """The tasks of a worker that was lost through no fault of theirs; it had begun the first."""
    for place, sent in enumerate(worker.take_all()):
        yield Returned(sent.task, reason, begun=place == 0)
