"""Several Ray nodes on this machine, which can be killed, frozen and replaced one by one.

Call `prepare` before anything imports Ray.
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
    """Set the environment that the nodes and the drivers inherit."""
    mark()
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    # Ray's default of 15 starves workers on a busy machine.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray reads it so


class Nodes:
    """A head without CPUs, which the drivers join, and nodes that train.

    Args:
        count: number of nodes that train.
        cpus: CPUs of each.
        memory: bytes of memory of each; None for the machine's.
        host: address of the head; None for the machine's.
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
        """Kill all processes that this one has started, including frozen ones."""
        end_started()

    @property
    def address(self) -> str:
        """Address that drivers join."""
        return str(self._running.address)

    def refill(self) -> None:
        """Replace nodes that have ended, as an autoscaler does."""
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
        """Return the nodes that have not ended."""
        alive = {process.pid for process in started()}
        return [node for node in self.nodes if node_pid(node, "raylet") in alive]

    def remove(self, node: Any) -> None:
        """Kill all processes of a node at once."""
        everything = [node_pid(node, "raylet")]
        everything += [process.pid for process in descendants(everything[0])]
        send(everything, signal.SIGKILL)

    def kill_raylet(self, node: Any) -> None:
        """Kill the raylet of a node, but not its workers."""
        send([node_pid(node, "raylet")], signal.SIGKILL)

    def freeze(self, node: Any) -> None:
        """Stop the raylet of a node, but not its workers."""
        send([node_pid(node, "raylet")], signal.SIGSTOP)

    def thaw(self, node: Any) -> None:
        """Continue the raylet of a node."""
        send([node_pid(node, "raylet")], signal.SIGCONT)

    def kill_head(self) -> None:
        """Kill the cluster's control server."""
        send([node_pid(self._running.head_node, "gcs_server")], signal.SIGKILL)

    def trainers(self) -> list[int]:
        """Return the processes of the actors on nodes that have not ended."""
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
    """Start a head or a node, again if the machine was too busy to do so in time."""
    while True:
        try:
            return start()
        except Exception as error:  # Ray raises nothing more definite
            if "timed out" not in str(error).lower():
                raise


def node_pid(node: Any, kind: str) -> int:
    """Return the process of a node's "raylet" or of the head's "gcs_server"."""
    (info,) = node.all_processes[kind]
    return int(info.process.pid)
