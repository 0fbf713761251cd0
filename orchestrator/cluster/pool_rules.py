"""The number of workers that a cluster should have, and when starting them is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ray.exceptions import RayError

from orchestrator.cluster.watch import Node
from orchestrator.cluster.worker import failed_by_itself, reason_of
from workers.train import Device

MIN_PENDING_WORKERS = 4
MAX_PENDING_WORKERS = 64
"""Bounds of the number of workers that wait for new nodes, which an autoscaler starts for them. In
between it is the number that the present nodes hold, so that the cluster doubles each time."""

RESERVE_FROM_CPUS = 16
"""Minimum number of CPUs in a cluster for which the driver reserves one on its node: it then
receives, checks and writes more than a hundred rows a second from each CPU."""


@dataclass(frozen=True)
class PoolRequest:
    """The workers that a run asks for.

    Attributes:
        limit: maximum number of workers; None for as many as fit.
        grows: ask for more nodes while there is work.
    """

    devices: tuple[Device, ...]
    limit: int | None
    grows: bool


def should_reserve_cpu(nodes: Sequence[Node], own: str) -> bool:
    """Return whether the driver should reserve a CPU of its node, whose id is `own`."""
    alive = [node for node in nodes if node.alive]
    own_cpus = sum(node.cpus for node in alive if node.id == own)
    return own_cpus > 0 and sum(node.cpus for node in alive) >= RESERVE_FROM_CPUS


def wanted_workers(
    nodes: Sequence[Node], request: PoolRequest, *, busy: bool, reserved: int = 0
) -> dict[Device, int]:
    """Return the number of workers of each device, including those that wait for resources.

    There is one for each GPU and each CPU. A GPU's worker keeps a CPU busy, which gets no other.
    The driver reserves some CPUs for itself. All workers have work if the cluster is busy.
    """
    alive = [node for node in nodes if node.alive]
    with_gpus = "cuda" in request.devices
    gpus = sum(node.gpus for node in alive) if with_gpus else 0
    cpus = sum(max(0, node.cpus - (node.gpus if with_gpus else 0)) for node in alive) - reserved
    fitting: dict[Device, int] = {"cuda": gpus, "cpu": cpus}
    result: dict[Device, int] = {}
    left = request.limit
    # A GPU does more than a CPU, so under a limit GPUs come first.
    for device in ("cuda", "cpu"):
        if device not in request.devices:
            continue
        count = fitting[device]
        # Nodes with GPUs are expensive: they are asked for only if GPUs alone are wanted.
        if request.grows and busy and (device == "cpu" or request.devices == ("cuda",)):
            count += min(max(count, MIN_PENDING_WORKERS), MAX_PENDING_WORKERS)
        result[device] = count if left is None else min(count, left)
        left = None if left is None else left - min(fitting[device], left)
    return result


MAX_FAILED_STARTS = 3
"""Number of workers of a device that fail in their own code, before any has started, after which
the device is given up."""

OTHERS_TIMEOUT_S = 60.0
"""Seconds after the first such failure in which others may still start: one node may be broken."""

MAX_PAUSE_S = 60.0
"""Maximum pause between two attempts to start workers of a device."""


class StartupFailures:
    """The failures so far.

    Attributes:
        last_failure: the latest error in one line; "" if none came since a worker started.
    """

    def __init__(self) -> None:
        self.last_failure = ""
        self._any_succeeded = False
        self._failed: Counter[Device] = Counter()
        self._first_failure_at: float | None = None
        self._next_attempt_at: dict[Device, float] = {}

    def record_success(self, device: Device) -> None:
        """Note that a worker has started."""
        self._any_succeeded = True
        self.last_failure = ""
        del self._failed[device]

    def record_failure(self, device: Device, error: RayError, now: float) -> None:
        """Note that a worker has not started."""
        self.last_failure = reason_of(error)
        if failed_by_itself(error):
            self._failed[device] += 1
            if self._first_failure_at is None:
                self._first_failure_at = now
        self._next_attempt_at[device] = now + min(MAX_PAUSE_S, 2.0 ** self._failed[device])

    def may_try(self, device: Device, now: float) -> bool:
        """Return whether the pause after the last failure is over."""
        return now >= self._next_attempt_at.get(device, now)

    def hopeless(self, starting: Collection[Device], now: float) -> bool:
        """Return whether no worker has started and none is likely to."""
        failing = {device for device, count in self._failed.items() if count >= MAX_FAILED_STARTS}
        if self._any_succeeded or not failing or self._first_failure_at is None:
            return False
        if any(device not in failing for device in starting):
            return False  # workers of another device may start
        return not starting or now - self._first_failure_at > OTHERS_TIMEOUT_S
