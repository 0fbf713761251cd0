"""The Ray actor: one process that trains whatever tasks it is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pyarrow as pa
import ray

from search.experiment import Experiment
from workers.initial import StoredInit
from workers.task import Task, run_task
from workers.train import Device, backend_for, train_batch


class Trainer:
    """Trains tasks one after the other, on one core or on one GPU."""

    def __init__(self, inits: Mapping[str, StoredInit], device: Device) -> None:
        self._inits = inits
        self._device: Device = device

    def warm_up(self) -> str:
        """Compiles (or loads) the kernels and makes the data set; returns the backend's name."""
        train_batch([Experiment(structure=(1, 1, 1), epochs=1)], device=self._device)
        return backend_for(self._device).name

    def train(self, task: Task) -> tuple[pa.RecordBatch, float]:
        """The task's rows and the wall-clock seconds that they took."""
        start = time.perf_counter()
        rows = run_task(task, self._inits, self._device)
        return rows, time.perf_counter() - start


# Ray restarts and retries nothing: the driver does, since it knows what a task has done to its
# worker before.
TrainingActor = ray.remote(max_restarts=0, max_task_retries=0)(Trainer)
