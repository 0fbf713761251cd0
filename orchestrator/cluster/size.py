"""How many workers a cluster should have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.cluster.watch import Node
from workers.train import Device

MORE_AT_LEAST = 4
MORE_AT_MOST = 64
"""Workers beyond what the nodes hold that wait for nodes to come: an autoscaler starts nodes for
them. As many as there is room for now, so that the cluster doubles each time."""


SEAT_FROM = 16
"""CPUs of a cluster from which on the driver keeps one of its node's for itself: it then has more
than a hundred rows a second of each CPU to take in, check and write."""


@dataclass(frozen=True)
class Wish:
    """What kind of pool is wanted.

    Attributes:
        devices: what to train on.
        limit: workers at most; None for as many as there is room for.
        grows: whether to ask for more nodes when there is work.
    """

    devices: tuple[Device, ...]
    limit: int | None
    grows: bool


def needs_seat(nodes: Sequence[Node], own: str) -> bool:
    """Whether the driver should keep a CPU of its node.

    Args:
        nodes: those that are there.
        own: id of the node that the driver is on.
    """
    alive = [node for node in nodes if node.alive]
    here = sum(node.cpus for node in alive if node.id == own)
    return here > 0 and sum(node.cpus for node in alive) >= SEAT_FROM


def wanted_workers(
    nodes: Sequence[Node], wish: Wish, *, busy: bool, reserved: int = 0
) -> dict[Device, int]:
    """How many workers there should be, for each device, those included that wait for room.

    A worker for each GPU and for each CPU; a GPU's worker keeps a CPU busy, which gets no other.

    Args:
        nodes: those that are there.
        wish: what is wanted.
        busy: whether all workers have something to do.
        reserved: CPUs of these nodes that the driver keeps.
    """
    alive = [node for node in nodes if node.alive]
    with_gpus = "cuda" in wish.devices
    gpus = sum(node.gpus for node in alive) if with_gpus else 0
    cpus = sum(max(0, node.cpus - (node.gpus if with_gpus else 0)) for node in alive) - reserved
    room: dict[Device, int] = {"cuda": gpus, "cpu": cpus}
    result: dict[Device, int] = {}
    left = wish.limit
    # A GPU does more than a CPU: under a limit they come first.
    for device in ("cuda", "cpu"):
        if device not in wish.devices:
            continue
        count = room[device]
        # Nodes with GPUs are dear: none is asked for unless GPUs alone are wanted.
        if wish.grows and busy and (device == "cpu" or wish.devices == ("cuda",)):
            count += min(max(count, MORE_AT_LEAST), MORE_AT_MOST)
        result[device] = count if left is None else min(count, left)
        left = None if left is None else left - min(room[device], left)
    return result
