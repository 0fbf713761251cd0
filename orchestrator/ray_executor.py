"""The executor on Ray: a pool of actors on this machine or on a cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

import ray
from ray.exceptions import RayError, RayTaskError

from orchestrator.cluster import session
from orchestrator.cluster.pool import Pool
from orchestrator.cluster.pool_rules import PoolRequest
from orchestrator.cluster.watch import ClusterWatch, PatientClock
from orchestrator.cluster.worker import GET_TIMEOUT_S, Worker, blames_task, reason_of
from orchestrator.executor import Done, Failed, Outcome, Returned, TimeLimit
from orchestrator.job import Job
from orchestrator.worker_kinds import WorkerCounts, WorkerKind
from search.layers import StoredInit
from workers.actor import TrainingActor

logger = logging.getLogger(__name__)

JOBS_PER_WORKER = 2
"""Jobs of a worker: one in training and one waiting, so that it never waits for the driver."""

GROUP_S = 0.05
"""Seconds to wait for jobs that end at about the same time, to return them together."""

UPDATE_EVERY_S = 1.0
"""Seconds between two updates of the pool to the nodes of the cluster."""


class ThisMachine(NamedTuple):
    """Ray on this machine for one run: the number of workers, and of those that use a GPU."""

    cpus: int
    gpus: int = 0


class RayExecutor:
    """Trains on Ray actors; a job goes to the worker that has the fewest."""

    def __init__(
        self,
        request: PoolRequest,
        inits: Mapping[str, StoredInit],
        location: str | ThisMachine,
        actor: Any = TrainingActor,
    ) -> None:
        self._location = location
        self._clock = PatientClock()
        self._watch = ClusterWatch(self._clock)
        self._pool = Pool(request, inits, self._watch, self._clock, actor)
        self._updated_at = 0.0
        self._update_now = False
        self._returned: list[Outcome] = []

    @property
    def workers(self) -> int:
        """Number of workers; on a cluster, the most that there were at one time."""
        if isinstance(self._location, ThisMachine):
            return self._location.cpus
        return self._pool.most

    @property
    def worker_counts(self) -> WorkerCounts:
        """The workers that are ready now."""
        return self._pool.worker_counts

    @property
    def in_flight(self) -> int:
        """Number of jobs that were submitted and have not come back."""
        return len(self._returned) + sum(len(worker.jobs) for worker in self._pool.ready)

    def __enter__(self) -> Self:
        """Start or join Ray, and wait until the first actor has compiled.

        Raises:
            UserError: there is no Ray at the address, or no actor can be placed there.
        """
        if isinstance(self._location, ThisMachine):
            session.start(self._location.cpus, self._location.gpus)
        else:
            session.join(self._location)
        try:
            self._watch.start(ray.get_runtime_context().get_node_id())
            while not self._pool.ready:
                self._pool.update()
                time.sleep(GROUP_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._watch.stop()
        ray.shutdown()

    def vacancies(self) -> list[WorkerKind]:
        """Return the kind of each worker that can take another job, the idle ones first."""
        fewest_first = sorted(self._pool.ready, key=lambda worker: len(worker.jobs))
        return [
            worker.kind
            for worker in fewest_first
            if worker.kind is not None and len(worker.jobs) < JOBS_PER_WORKER
        ]

    def submit(self, job: Job, kind: WorkerKind) -> None:
        """Send a job to the worker of this kind that has the fewest."""
        worker = min(
            (worker for worker in self._pool.ready if worker.kind == kind),
            key=lambda candidate: len(candidate.jobs),
        )
        worker.send(job, self._clock.now())

    def wait(self, timeout_s: float, time_limit_s: TimeLimit) -> list[Outcome]:
        """Return what has come back; wait for the first, up to `timeout_s`.

        A worker that died or hangs is killed, and its job comes back as failed.

        Raises:
            UserError: the head of the cluster is gone, or there are no workers and none start.
        """
        self._update_pool()
        references = {ref: worker for worker in self._pool.ready for ref in worker.jobs}
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
            if worker is None:  # it has started and waits for its first job
                self._update_now = True
            elif reference in worker.jobs:  # its worker was not killed meanwhile
                outcomes += self._outcomes(reference, worker)
        outcomes += self._overdue(time_limit_s)
        return outcomes

    def withdraw(self) -> list[Job]:
        """Take back all jobs but each worker's oldest unfinished one, which is in training.

        An actor starts whatever was sent to it, even after `ray.cancel`: a job that was taken back
        may still be trained, and its rows are dropped.
        """
        withdrawn = []
        for worker in self._pool.ready:
            references = list(worker.jobs)
            if not references:
                continue
            _, unfinished = ray.wait(references, num_returns=len(references), timeout=0)
            withdrawn += [worker.jobs.pop(reference) for reference in unfinished[1:]]
        return withdrawn

    def _update_pool(self) -> None:
        """Bring the pool in line with the cluster, from time to time."""
        now = self._clock.now()
        recent = now - self._updated_at < UPDATE_EVERY_S
        if recent and self._pool.ready and not self._update_now:
            return
        self._updated_at, self._update_now = now, False
        for worker in self._pool.update():
            self._returned += _returned(worker, "its node has left the cluster")

    def _outcomes(self, reference: Any, worker: Worker) -> Iterator[Outcome]:
        assert worker.kind is not None
        try:
            rows, busy_s = ray.get(reference, timeout=GET_TIMEOUT_S)
        except RayTaskError as error:
            # The worker is alive: the training raised. The log gets the worker's traceback.
            logger.warning("a task failed: %s", error)
            yield Failed(worker.take(reference, self._clock.now()), reason_of(error), worker.kind)
        except RayError as error:
            logger.warning("a worker was lost: %s", error)
            reason = f"its worker was lost: {reason_of(error)}"
            yield from self._remove(worker, reason, blame=blames_task(error))
        else:
            yield Done(worker.take(reference, self._clock.now()), rows, busy_s, worker.kind)

    def _overdue(self, time_limit_s: TimeLimit) -> Iterator[Outcome]:
        now = self._clock.now()
        for worker in list(self._pool.ready):
            limit_s = worker.overdue_after_s(now, time_limit_s)
            if limit_s is None:
                continue
            _, unfinished = ray.wait(list(worker.jobs), num_returns=len(worker.jobs), timeout=0)
            if next(iter(worker.jobs)) in unfinished:
                reason = f"it took longer than {limit_s:.0f} s, and its worker was killed"
                yield from self._remove(worker, reason, blame=True)

    def _remove(self, worker: Worker, reason: str, *, blame: bool) -> Iterator[Outcome]:
        """Kill a worker and return its jobs.

        An actor trains its jobs in order, so only the oldest can be at fault; the others were not
        started.
        """
        self._pool.remove(worker)
        if not blame:
            yield from _returned(worker, reason)
            return
        assert worker.kind is not None
        blamed, *others = worker.take_all()
        yield Failed(blamed, reason, worker.kind)
        yield from (Returned(job, reason, started=False) for job in others)


def _returned(worker: Worker, reason: str) -> Iterator[Outcome]:
    """Yield the jobs of a worker that was lost through no fault of theirs."""
    for position, job in enumerate(worker.take_all()):
        yield Returned(job, reason, started=position == 0)
