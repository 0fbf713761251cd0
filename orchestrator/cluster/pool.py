"""The workers on a cluster, which come and go with its nodes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.cluster.pool_rules import (
    PoolRequest,
    StartupFailures,
    should_reserve_cpu,
    wanted_workers,
)
from orchestrator.cluster.watch import ClusterWatch, Node, PatientClock
from orchestrator.cluster.worker import GET_TIMEOUT_S, Worker
from orchestrator.errors import NoWorkerError
from orchestrator.worker_kinds import WorkerCounts
from search.layers import StoredInit
from workers.actor import TrainingActor
from workers.train import Device

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 300.0
"""Seconds that a worker may take to start and compile while there is no other."""

NODE_TIMEOUT_S = 1200.0
"""The same on a cluster that may have to rent a machine first and install everything on it."""

IDLE_UPDATES = 3
"""Consecutive updates with an idle worker after which no more nodes are asked for."""


class _Reservation:
    """An actor that does nothing and occupies a CPU."""


_ReservationActor = ray.remote(num_cpus=1, max_restarts=0)(_Reservation)


class Pool:
    """Starts workers where there is room, and drops those whose nodes have left."""

    def __init__(
        self,
        request: PoolRequest,
        inits: Mapping[str, StoredInit],
        watch: ClusterWatch,
        clock: PatientClock,
        actor: Any = TrainingActor,
    ) -> None:
        self.ready: list[Worker] = []
        self.starting: list[Worker] = []
        self.most = 0
        self._request = request
        self._inits = inits
        self._watch = watch
        self._clock = clock
        self._actor = actor
        self._failures = StartupFailures()
        self._idle_updates = 0
        self._reservation: Any = None
        self._timeout_s = NODE_TIMEOUT_S if request.grows else START_TIMEOUT_S
        self._last_ready_at: dict[Device, float] = dict.fromkeys(request.devices, clock.now())

    @property
    def worker_counts(self) -> WorkerCounts:
        """The workers at this moment.

        A device whose workers have not started within the timeout is left out, so that no work
        waits for it.
        """
        by_kind = Counter(worker.kind for worker in self.ready if worker.kind is not None)
        earliest = self._clock.now() - self._timeout_s
        devices = {worker.device for worker in self.ready}
        devices |= {w.device for w in self.starting if self._last_ready_at[w.device] >= earliest}
        return WorkerCounts(by_kind, frozenset(devices))

    def update(self) -> list[Worker]:
        """Bring the pool in line with the nodes of the cluster.

        Returns:
            Workers that were ready and whose nodes have left; they are no longer in the pool.

        Raises:
            UserError: the head of the cluster is gone, or the driver's node.
            NoWorkerError: there is no worker, and none can start.
        """
        nodes = self._watch.nodes()
        self._take_started()
        gone = {node.id for node in nodes if not node.alive}
        lost = [worker for worker in self.ready if worker.node in gone]
        for worker in lost:
            self.remove(worker)
        idle = any(not worker.jobs for worker in self.ready)
        self._idle_updates = self._idle_updates + 1 if idle else 0
        if self._request.grows:
            self._reserve_cpu(nodes)
        busy = self._idle_updates < IDLE_UPDATES
        reserved = int(self._reservation is not None)
        wanted = wanted_workers(nodes, self._request, busy=busy, reserved=reserved)
        for device, count in wanted.items():
            self._adjust(device, count)
        self._raise_if_none_can_start(nodes)
        return lost

    def remove(self, worker: Worker) -> None:
        """Take a worker out of the pool and kill it."""
        self.ready.remove(worker)
        worker.kill()

    def _reserve_cpu(self, nodes: Sequence[Node]) -> None:
        """Keep a CPU of the driver's node free of workers in a large cluster."""
        own = ray.get_runtime_context().get_node_id()
        if self._reservation is None and should_reserve_cpu(nodes, own):
            on_own_node = NodeAffinitySchedulingStrategy(own, soft=False)
            actor = _ReservationActor.options(scheduling_strategy=on_own_node)
            self._reservation = actor.remote()

    def _take_started(self) -> None:
        now = self._clock.now()
        if self.starting:
            references = [worker.warm_up for worker in self.starting]
            ended, _ = ray.wait(references, num_returns=len(references), timeout=0)
            for worker in [w for w in self.starting if w.warm_up in set(ended)]:
                self._take(worker, now)
        for worker in self.ready:
            self._last_ready_at[worker.device] = now
        self.most = max(self.most, len(self.ready))

    def _take(self, worker: Worker, now: float) -> None:
        self.starting.remove(worker)
        try:
            worker.become_ready(ray.get(worker.warm_up, timeout=GET_TIMEOUT_S), now)
        except RayError as error:
            self._failures.record_failure(worker.device, error, now)
            logger.warning("a worker did not start: %s", error)
            worker.kill()
        else:
            self._failures.record_success(worker.device)
            self.ready.append(worker)
            logger.info("%s on %s is ready", worker.kind, worker.node)

    def _adjust(self, device: Device, count: int) -> None:
        """Start workers of a device, or stop starting ones, until there are `count`."""
        now = self._clock.now()
        starting = [worker for worker in self.starting if worker.device == device]
        present = len(starting) + sum(worker.device == device for worker in self.ready)
        too_late = [worker for worker in starting if now - worker.since > self._timeout_s]
        surplus = starting[max(0, len(starting) - max(0, present - count)) :]
        for worker in {*too_late, *surplus}:
            self.starting.remove(worker)
            worker.kill()
            present -= 1
        if not self._failures.may_try(device, now):
            return
        # A GPU's worker is placed by its GPU alone. The number of CPU workers leaves a CPU free for
        # it, so it need not wait for one.
        needs = {"num_cpus": 0, "num_gpus": 1} if device == "cuda" else {"num_cpus": 1}
        for _ in range(count - present):
            actor = self._actor.options(**needs).remote(self._inits, device)
            self.starting.append(Worker(actor, device, actor.warm_up.remote(), now))

    def _raise_if_none_can_start(self, nodes: Sequence[Node]) -> None:
        if self.ready:
            return
        now = self._clock.now()
        last_failure = self._failures.last_failure
        if self._failures.hopeless([worker.device for worker in self.starting], now):
            raise NoWorkerError(
                f"no worker can start; the last one failed with: {last_failure}. Once the cause is "
                "removed, the same command resumes"
            )
        if now - max(self._last_ready_at.values()) <= self._timeout_s:
            return
        why = f"the last one failed with: {last_failure}" if last_failure else self._lacking(nodes)
        raise NoWorkerError(
            f"no worker could start within {self._timeout_s:.0f} s: {why}. The rows that came back "
            "are stored; the same command resumes when workers can start"
        )

    def _lacking(self, nodes: Sequence[Node]) -> str:
        """Return what workers wait for, if none has failed."""
        devices = self._request.devices
        needs = " or ".join("a GPU" if device == "cuda" else "a CPU" for device in devices)
        offered = [n.gpus if d == "cuda" else n.cpus for n in nodes if n.alive for d in devices]
        # There is no list of nodes before the first answer of the head.
        if nodes and not any(offered):
            return f"each needs {needs}, and the nodes offer none"
        return f"each needs {needs}, and none became free, or starting there takes too long"
