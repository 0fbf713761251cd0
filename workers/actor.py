"""The Ray actor: a process that trains the tasks it is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray

from search.experiment import Experiment
from search.layers import StoredInit
from workers.memory import limit_memory
from workers.task import Task, run_task
from workers.train import Device, backend_for, train_batch


@dataclass(frozen=True)
class Ready:
    """What an actor reports when it can train.

    Attributes:
        backend: value of the column `backend` in its rows.
        node: Ray's id of its node.
        host: address of that node.
        code: file that defines this class.
    """

    backend: str
    node: str
    host: str
    code: str


class TrainingWorker:
    """Trains tasks one after the other, on one core or on one GPU."""

    def __init__(self, inits: Mapping[str, StoredInit], device: Device) -> None:
        self._inits = inits
        self._device: Device = device

    def warm_up(self) -> Ready:
        """Compile (or load) the kernels and make the data set."""
        node = ray.get_runtime_context().get_node_id()
        if self._device == "cpu":
            limit_memory(_memory_share(node))
        train_batch([Experiment(structure=(1, 1, 1), epochs=1)], device=self._device)
        host = _description(node)["NodeManagerAddress"]
        return Ready(backend_for(self._device).name, node, host, __file__)

    def train(self, task: Task) -> tuple[pa.RecordBatch, float]:
        """Return the task's rows and the wall-clock seconds that they took."""
        start = time.perf_counter()
        rows = run_task(task, self._inits, self._device)
        return rows, time.perf_counter() - start


def _memory_share(node: str) -> int:
    """Return the bytes of a node's memory per CPU, as measured when Ray started there."""
    resources = _description(node)["Resources"]
    return int(resources["memory"] / max(1, resources.get("CPU", 1)))


def _description(node: str) -> dict[str, Any]:
    """Return Ray's description of a node."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return next(each for each in nodes if each["NodeID"] == node)


# Ray restarts and retries nothing. The driver does, since it knows what a task has done to its
# worker before.
TrainingActor = ray.remote(max_restarts=0, max_task_retries=0)(TrainingWorker)
