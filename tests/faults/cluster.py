"""Several Ray nodes on this machine, which can be killed, frozen and replaced one by one.

A program that uses this must call `prepare` before anything imports Ray.
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tests.faults.processes import descendants, end_started, is_trainer, mark, send, started

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

OBJECT_STORE_BYTES = 100 * 2**20

T = TypeVar("T")


def prepare() -> None:
    """Sets what the nodes, and the drivers that join them, are to inherit."""
    mark()
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    # A worker is as important as the rest: on a busy machine Ray's default of 15 starves it.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray reads it so


class Nodes:
    """A head without processors, which the drivers join, and nodes that train.

    Args:
        count: nodes that train.
        cpus: processors of each, as Ray counts them.
        memory: bytes of memory of each, as Ray counts them; None for the machine's.
        host: the head's address; None for the machine's own.
    """

    def __init__(
        self, count: int, cpus: int, memory: int | None = None, host: str | None = None
    ) -> None:
        self._head = {} if host is None else {"node_ip_address": host}
        self._count = count
        self._cpus = cpus
        self._memory = memory
        self._cluster: Cluster | None = None
        self.nodes: list[Any] = []

    def __enter__(self) -> Self:
        from ray.cluster_utils import Cluster

        head = {
            "num_cpus": 0,
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
            **self._head,
        }
        try:
            self._cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
            self.refill()
        except BaseException:
            end_started()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends everything that this process has started, also what is frozen."""
        end_started()

    @property
    def address(self) -> str:
        """Where drivers join."""
        return str(self._running.address)

    def refill(self) -> None:
        """Adds nodes for those that have ended, as whoever runs a cluster would."""
        self.nodes = self.alive()
        for _ in range(self._count - len(self.nodes)):
            node = patiently(
                lambda: self._running.add_node(
                    num_cpus=self._cpus,
                    memory=self._memory,
                    object_store_memory=OBJECT_STORE_BYTES,
                    wait=False,
                )
            )
            self.nodes.append(node)

    def alive(self) -> list[Any]:
        """The nodes that have not ended."""
        alive = {process.pid for process in started()}
        return [node for node in self.nodes if node_pid(node, "raylet") in alive]

    def remove(self, node: Any) -> None:
        """A node leaves, all of its processes at once and without a word."""
        everything = [node_pid(node, "raylet")]
        everything += [process.pid for process in descendants(everything[0])]
        send(everything, signal.SIGKILL)

    def kill_raylet(self, node: Any) -> None:
        """Kills what speaks for a node, and leaves its workers to notice."""
        send([node_pid(node, "raylet")], signal.SIGKILL)

    def freeze(self, node: Any) -> None:
        """A node answers nobody; its workers go on."""
        send([node_pid(node, "raylet")], signal.SIGSTOP)

    def thaw(self, node: Any) -> None:
        """The node goes on where it was."""
        send([node_pid(node, "raylet")], signal.SIGCONT)

    def kill_head(self) -> None:
        """Kills the server that knows the cluster."""
        send([node_pid(self._running.head_node, "gcs_server")], signal.SIGKILL)

    def trainers(self) -> list[int]:
        """Processes of the actors on nodes that have not ended."""
        return [
            process.pid
            for node in self.nodes
            for process in descendants(node_pid(node, "raylet"))
            if is_trainer(process)
        ]

    @property
    def _running(self) -> Cluster:
        assert self._cluster is not None, "not entered"
        return self._cluster


def patiently(start: Callable[[], T]) -> T:
    """Starts a head or a node, and once more where the machine was too busy to do so in time."""
    while True:
        try:
            return start()
        except Exception as error:  # Ray raises nothing more definite
            if "timed out" not in str(error).lower():
                raise


def node_pid(node: Any, kind: str) -> int:
    """Process of a node: its "raylet", or the head's "gcs_server"."""
    (info,) = node.all_processes[kind]
    return int(info.process.pid)
