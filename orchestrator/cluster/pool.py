"""The workers on a cluster, which come and go with its nodes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.clock import PatientClock
from orchestrator.cluster.size import Wish, needs_seat, wanted_workers
from orchestrator.cluster.startup_failures import StartupFailures
from orchestrator.cluster.watch import ClusterWatch, Node
from orchestrator.cluster.worker import GET_TIMEOUT_S, Worker
from orchestrator.errors import NoWorkerError
from orchestrator.worker_pool import WorkerCounts
from workers.actor import TrainingActor
from workers.initial import StoredInit
from workers.train import Device

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 300.0
"""How long the run waits for a worker to start and compile where there is none."""

NODE_TIMEOUT_S = 1200.0
"""The same on a cluster that may have to rent a machine first and install everything on it."""

IDLE_LOOKS = 3
"""After so many looks at which a worker had nothing to do, no more nodes are asked for."""


class _Seat:
    """Does nothing, and holds the CPU that the driver needs."""


_SeatActor = ray.remote(num_cpus=1, max_restarts=0)(_Seat)


class Pool:
    """StartupFailures workers where there is room, and forgets those whose nodes have gone.

    Args:
        wish: what kind of pool is wanted.
        inits: stored initialisations by token.
        watch: knows the nodes.
        clock: for time limits.
        actor: the class of the actors.
    """

    def __init__(
        self,
        wish: Wish,
        inits: Mapping[str, StoredInit],
        watch: ClusterWatch,
        clock: PatientClock,
        actor: Any = TrainingActor,
    ) -> None:
        self.ready: list[Worker] = []
        self.starting: list[Worker] = []
        self.most = 0
        self._wish = wish
        self._inits = inits
        self._watch = watch
        self._clock = clock
        self._actor = actor
        self._startup_failures = StartupFailures()
        self._idle_looks = 0
        self._seat: Any = None
        self._timeout_s = NODE_TIMEOUT_S if wish.grows else START_TIMEOUT_S
        self._had_one_at: dict[Device, float] = dict.fromkeys(wish.devices, clock.now())

    @property
    def worker_counts(self) -> WorkerCounts:
        """The workers that there are now.

        A device none of whose workers comes for a long time does not count: nobody should wait for
        it.
        """
        workers = Counter(worker.kind for worker in self.ready if worker.kind is not None)
        soon = self._clock.now() - self._timeout_s
        devices = {worker.device for worker in self.ready}
        devices |= {w.device for w in self.starting if self._had_one_at[w.device] >= soon}
        return WorkerCounts(workers, frozenset(devices))

    def look(self) -> list[Worker]:
        """Brings the pool in line with the cluster.

        Returns:
            Workers that were ready and whose nodes have gone; they are no longer of the pool.

        Raises:
            UserError: the head is gone.
            NoWorkerError: there is no worker and none comes.
        """
        nodes = self._watch.nodes()
        self._take_started()
        gone_nodes = {node.id for node in nodes if not node.alive}
        lost = [worker for worker in self.ready if worker.node in gone_nodes]
        for worker in lost:
            self.remove(worker)
        idle = any(not worker.sent for worker in self.ready)
        self._idle_looks = self._idle_looks + 1 if idle else 0
        if self._wish.grows:
            self._take_seat(nodes)
        busy = self._idle_looks < IDLE_LOOKS
        wanted = wanted_workers(nodes, self._wish, busy=busy, reserved=int(self._seat is not None))
        for device, count in wanted.items():
            self._adjust(device, count)
        self._give_up_where_none_comes(nodes)
        return lost

    def remove(self, worker: Worker) -> None:
        """Ends a worker, or what is left of it."""
        self.ready.remove(worker)
        worker.kill()

    def _take_seat(self, nodes: Sequence[Node]) -> None:
        """Keeps a CPU of the driver's node from being given to a worker, from some size on."""
        own = ray.get_runtime_context().get_node_id()
        if self._seat is None and needs_seat(nodes, own):
            here = NodeAffinitySchedulingStrategy(own, soft=False)
            self._seat = _SeatActor.options(scheduling_strategy=here).remote()

    def _take_started(self) -> None:
        now = self._clock.now()
        if self.starting:
            references = [worker.warm_up for worker in self.starting]
            ended, _ = ray.wait(references, num_returns=len(references), timeout=0)
            for worker in [w for w in self.starting if w.warm_up in set(ended)]:
                self._take(worker, now)
        for worker in self.ready:
            self._had_one_at[worker.device] = now
        self.most = max(self.most, len(self.ready))

    def _take(self, worker: Worker, now: float) -> None:
        self.starting.remove(worker)
        try:
            worker.ready(ray.get(worker.warm_up, timeout=GET_TIMEOUT_S), now)
        except RayError as error:
            self._startup_failures.failed(worker.device, error, now)
            logger.warning("a worker did not start: %s", error)
            worker.kill()
        else:
            self._startup_failures.succeeded(worker.device)
            self.ready.append(worker)
            logger.info("%s on %s is ready", worker.kind, worker.node)

    def _adjust(self, device: Device, count: int) -> None:
        now = self._clock.now()
        starting = [worker for worker in self.starting if worker.device == device]
        there = len(starting) + sum(worker.device == device for worker in self.ready)
        too_late = [worker for worker in starting if now - worker.since > self._timeout_s]
        surplus = starting[max(0, len(starting) - max(0, there - count)) :]
        for worker in {*too_late, *surplus}:
            self.starting.remove(worker)
            worker.kill()
            there -= 1
        if not self._startup_failures.may_try(device, now):
            return
        for _ in range(count - there):
            self.starting.append(self._new(device, now))

    def _new(self, device: Device, now: float) -> Worker:
        # A GPU's worker is placed by its GPU alone: the CPU that it keeps busy is left free by the
        # number of the others, and must not be what it waits for.
        needs = {"num_cpus": 0, "num_gpus": 1} if device == "cuda" else {"num_cpus": 1}
        actor = self._actor.options(**needs).remote(self._inits, device)
        return Worker(actor, device, actor.warm_up.remote(), now)

    def _give_up_where_none_comes(self, nodes: Sequence[Node]) -> None:
        if self.ready:
            return
        now = self._clock.now()
        said = self._startup_failures.last_failure
        if self._startup_failures.hopeless([worker.device for worker in self.starting], now):
            raise NoWorkerError(
                f"no worker can start; the last one said: {said}. The same command goes on when "
                "the cause is removed"
            )
        if now - max(self._had_one_at.values()) <= self._timeout_s:
            return
        why = f"the last one ended with: {said}" if said else self._lacking(nodes)
        raise NoWorkerError(
            f"no worker could start within {self._timeout_s:.0f} s: {why}. What came back before "
            "is stored; the same command goes on when workers can start"
        )

    def _lacking(self, nodes: Sequence[Node]) -> str:
        """What workers wait for, where none has failed."""
        needs = " or ".join("a GPU" if d == "cuda" else "a CPU" for d in self._wish.devices)
        offered = [node for node in nodes if node.alive and self._is_room(node)]
        # Before the first answer of the head nobody knows what there is.
        if nodes and not offered:
            return f"each needs {needs}, and the nodes offer none"
        return f"each needs {needs}, and none became free, or it takes too long to start there"

    def _is_room(self, node: Node) -> bool:
        room = {"cpu": node.cpus, "cuda": node.gpus}
        return any(room[device] > 0 for device in self._wish.devices)
