"""A thread that asks the cluster's head every few seconds for the list of nodes.

A call to a head that is gone does not return, and after 60 s Ray ends the whole process. The run
has to end before that, with a message; so the calls are made in a separate thread.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError

from orchestrator.errors import UserError

MAX_STEP_S = 2.0
"""Maximum advance of the clock between two readings."""


class PatientClock:
    """Monotonic seconds, of which at most `MAX_STEP_S` pass between two readings.

    A driver that was stopped, or waited for the disk, finds answers waiting when it resumes. With
    an ordinary clock, every time limit would have expired before it looks at them.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._now = 0.0

    def now(self) -> float:
        """Return the seconds since the clock was made."""
        last, self._last = self._last, time.monotonic()
        self._now += min(self._last - last, MAX_STEP_S)
        return self._now


logger = logging.getLogger(__name__)

ASK_EVERY_S = 2.0

SILENCE_S = 25.0
"""Seconds without an answer after which the head counts as gone."""


@dataclass(frozen=True)
class Node:
    """A node of the cluster, with its whole CPUs and GPUs; `alive` until it leaves."""

    id: str
    host: str
    alive: bool
    cpus: int
    gpus: int


class ClusterWatch:
    """The latest list of nodes."""

    def __init__(self, clock: PatientClock) -> None:
        self._clock = clock
        self._nodes: tuple[Node, ...] = ()
        self._answers = 0
        self._seen = 0
        self._seen_at = clock.now()
        self._own_node = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="cluster watch", daemon=True)

    def start(self, own_node: str) -> None:
        """Start asking; the driver's node is watched too."""
        self._own_node = own_node
        self._seen_at = self._clock.now()
        self._thread.start()

    def stop(self) -> None:
        """Stop asking, without waiting for an answer that may never come."""
        self._stop.set()

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes, past ones included, by the last answer; empty before the first.

        Raises:
            UserError: the head has not answered for a long time, or the driver's node is lost.
        """
        if self._answers != self._seen:
            self._seen, self._seen_at = self._answers, self._clock.now()
        elif self._clock.now() - self._seen_at > SILENCE_S:
            raise UserError(
                f"the head of the Ray cluster has not answered for {SILENCE_S:.0f} s: it is gone, "
                "or this machine cannot reach it. The rows that came back are stored; once the "
                "cluster is up again, the same command resumes"
            )
        nodes = self._nodes
        if any(node.id == self._own_node and not node.alive for node in nodes):
            raise UserError(
                "Ray has stopped on this machine: its process `raylet` was killed or crashed "
                "(perhaps for want of memory). The rows that came back are stored; the same "
                "command resumes"
            )
        return nodes

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                answer = ray.nodes()  # type: ignore[no-untyped-call]
            except (RayError, RuntimeError, ConnectionError) as error:
                # Raised at the end of the run too. `nodes` notices the silence.
                logger.debug("no list of nodes: %s", error)
            else:
                self._nodes = tuple(_node(described) for described in answer)
                self._answers += 1
            self._stop.wait(ASK_EVERY_S)


def _node(described: dict[str, Any]) -> Node:
    resources = described["Resources"]
    return Node(
        id=described["NodeID"],
        host=described["NodeManagerAddress"],
        alive=described["Alive"],
        cpus=int(resources.get("CPU", 0)),
        gpus=int(resources.get("GPU", 0)),
    )
