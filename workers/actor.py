"""The Ray actor: one process that trains the tasks it receives."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import pyarrow as pa
import ray

from search.experiment import Experiment
from search.layers import StoredInit
from workers.task import Task, run_task
from workers.train import Device, backend_for, train_batch

logger = logging.getLogger(__name__)

MIN_MEMORY_LIMIT = 2 * 2**30
"""Smallest memory limit of a worker, in bytes: numba and torch need 0.5 GiB before any training."""


@dataclass(frozen=True)
class Ready:
    """An actor's report that it can train.

    Attributes:
        backend: value of the column `backend` in its rows.
        node: Ray's id of its node.
        host: address of that node.
        code: path of the file that defines this class on that node.
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
        """Compile or load the kernels and make the data set.

        Raises:
            RuntimeError: this process flushes subnormal numbers to zero.
        """
        node = ray.get_runtime_context().get_node_id()
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        # With the resources found when Ray started there.
        description = next(each for each in nodes if each["NodeID"] == node)
        if self._device == "cpu":
            resources = description["Resources"]
            limit_memory(int(resources["memory"] / max(1, resources.get("CPU", 1))))
        train_batch([Experiment(structure=(1, 1, 1), epochs=1)], device=self._device)
        host = description["NodeManagerAddress"]
        return Ready(backend_for(self._device).name, node, host, __file__)

    def train(self, task: Task) -> tuple[pa.RecordBatch, float]:
        """Return the task's rows and the wall-clock seconds that training took."""
        start = time.perf_counter()
        rows = run_task(task, self._inits, self._device)
        return rows, time.perf_counter() - start


def limit_memory(share: int) -> None:
    """Limit what this process can allocate, so that an experiment that needs too much fails alone.

    The limit is the worker's share of the node's memory, in bytes. The allocation then fails as a
    MemoryError or, at worst, ends this process. Without a limit the node runs out of memory, and
    Ray or the kernel kills a process that need not be at fault. Does nothing on systems other than
    Linux, which do not enforce such a limit.
    """
    if not psutil.LINUX:
        return
    process = psutil.Process()
    # Not RLIMIT_AS, which also counts the files and shared memory that Ray maps.
    _, hard = process.rlimit(psutil.RLIMIT_DATA)
    limit = max(MIN_MEMORY_LIMIT, share)
    if hard != psutil.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        process.rlimit(psutil.RLIMIT_DATA, (limit, hard))
    except (OSError, ValueError, psutil.Error) as error:
        logger.warning("memory is not limited: %s", error)


# Ray neither restarts nor retries: the driver does, since it knows which tasks have ended workers.
TrainingActor = ray.remote(max_restarts=0, max_task_retries=0)(TrainingWorker)
