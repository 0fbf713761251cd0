"""The Ray actor: one process that trains whatever tasks it is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import ray

from search.experiment import Experiment
from workers.initial import StoredInit
from workers.memory import limit_memory
from workers.task import Task, run_task
from workers.train import Device, backend_for, train_batch


@dataclass(frozen=True)
class Ready:
    """What an actor says when it can train.

    Attributes:
        backend: what the column `backend` says of its rows.
        node: Ray's name for the node that it is on.
        host: address of that node.
        code: the file that this class is from.
    """

    backend: str
    node: str
    host: str
    code: str


class Trainer:
    """Trains tasks one after the other, on one core or on one GPU."""

    def __init__(self, inits: Mapping[str, StoredInit], device: Device) -> None:
        self._inits = inits
        self._device: Device = device

    def warm_up(self) -> Ready:
        """Compiles (or loads) the kernels and makes the data set."""
        here = ray.get_runtime_context()
        node = here.get_node_id()
        if self._device == "cpu":
            limit_memory(_memory_share(node))
        train_batch([Experiment(structure=(1, 1, 1), epochs=1)], device=self._device)
        host = _described(node)["NodeManagerAddress"]
        return Ready(backend_for(self._device).name, node, host, __file__)

    def train(self, task: Task) -> tuple[pa.RecordBatch, float]:
        """The task's rows and the wall-clock seconds that they took."""
        start = time.perf_counter()
        rows = run_task(task, self._inits, self._device)
        return rows, time.perf_counter() - start


def _memory_share(node: str) -> int:
    """Bytes of a node's memory for each of its CPUs, by what Ray found when it started there."""
    resources = _described(node)["Resources"]
    return int(resources["memory"] / max(1, resources.get("CPU", 1)))


def _described(node: str) -> dict[str, Any]:
    """What Ray says of a node."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return next(each for each in nodes if each["NodeID"] == node)


# Ray restarts and retries nothing: the driver does, since it knows what a task has done to its
# worker before.
TrainingActor = ray.remote(max_restarts=0, max_task_retries=0)(Trainer)
