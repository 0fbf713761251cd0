"""A thread that asks the cluster's head every few seconds which nodes there are.

It asks in a thread of its own because an answer may never come: a call to a head that is gone does
not return, and after 60 s Ray ends the whole process. The run must have ended before, in words.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError

from orchestrator.clock import PatientClock
from orchestrator.errors import UserError

logger = logging.getLogger(__name__)

ASK_EVERY_S = 2.0

SILENCE_S = 25.0
"""After so long without an answer the head is taken to be gone."""


@dataclass(frozen=True)
class Node:
    """A node of the cluster.

    Attributes:
        id: Ray's name for it.
        host: its address.
        alive: whether it has not left.
        cpus: whole CPUs that it offers.
        gpus: whole GPUs that it offers.
    """

    id: str
    host: str
    alive: bool
    cpus: int
    gpus: int


class ClusterWatch:
    """The newest list of nodes."""

    def __init__(self, clock: PatientClock) -> None:
        self._clock = clock
        self._nodes: tuple[Node, ...] = ()
        self._answers = 0
        self._seen = 0
        self._seen_at = clock.now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="cluster watch", daemon=True)

    def start(self) -> None:
        """Begins to ask."""
        self._seen_at = self._clock.now()
        self._thread.start()

    def stop(self) -> None:
        """Ends it; does not wait for an answer that may never come."""
        self._stop.set()

    def nodes(self) -> tuple[Node, ...]:
        """All nodes that are or were there, by the last answer; empty before the first.

        Raises:
            UserError: the head has not answered for a long time.
        """
        if self._answers != self._seen:
            self._seen, self._seen_at = self._answers, self._clock.now()
        elif self._clock.now() - self._seen_at > SILENCE_S:
            raise UserError(
                f"the head of the Ray cluster has not answered for {SILENCE_S:.0f} s: it is gone, "
                "or this machine cannot reach it. What came back is stored. When the cluster is up "
                "again, the same command goes on"
            )
        return self._nodes

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                found = ray.nodes()  # type: ignore[no-untyped-call]
            except (RayError, RuntimeError, ConnectionError) as error:
                # Also when the run has ended and Ray with it. Silence is dealt with above.
                logger.debug("no list of nodes: %s", error)
            else:
                self._nodes = tuple(_node(each) for each in found)
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
