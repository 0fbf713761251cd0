"""A program that uses a Ray cluster on this machine whose nodes come and go.

Usage: cluster_session.py FOLDER. Its nodes get this checkout's code from the job only. It leaves
the stores "changing" and "headless" and report.json in FOLDER.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# Before anything imports Ray, and before the nodes inherit it.
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
os.environ.pop("PYTHONPATH", None)

import ray
from ray.cluster_utils import Cluster

from orchestrator import job, task_scheduler
from orchestrator.cluster import watch
from orchestrator.cluster.pool_rules import PoolRequest
from orchestrator.ray_executor import RayExecutor
from search.catalogue import Selection
from search.layers import StoredInit
from storage.reading.reader import StoreReader
from tests.faults.cluster import patiently
from tests.orchestrator import ray_session
from tests.orchestrator.ray_session import PATIENCE_S, Trapped, run
from workers import actor, train
from workers.actor import MIN_MEMORY_LIMIT, Ready, TrainingWorker, limit_memory
from workers.train import Backend, Device

COUNT = 600
HANGS, CRASHES, EXHAUSTS_MEMORY = 307, 350, 400
"""Indices of experiments that hang, crash their worker, or need more memory than there is."""


class Simulated(TrainingWorker):
    """A worker whose GPU is simulated by torch on the CPU: another backend with another speed."""

    def __init__(self, inits: Mapping[str, StoredInit], device: Device) -> None:
        super().__init__(inits, device)
        if device == "cuda":
            from workers.torch_batch import train_torch

            def backend_for(device: Device) -> Backend:
                if device == "cpu":
                    return original(device)
                return Backend("torch-cpu", lambda e, d, i, _: train_torch(e, d, "cpu", i))

            original = train.backend_for
            train.backend_for = actor.backend_for = backend_for  # type: ignore[attr-defined]

    def warm_up(self) -> Ready:
        """Limit the memory of every worker, also of those with a simulated GPU."""
        ready = super().warm_up()
        # Workers of real GPUs have no limit, because CUDA maps far more memory than it uses.
        limit_memory(MIN_MEMORY_LIMIT)
        return ready


SimulatedActor = ray.remote(max_restarts=0, max_task_retries=0)(Simulated)


def until(condition: Callable[[], bool], description: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"not within {PATIENCE_S:.0f} s: {description}")
        time.sleep(0.1)


def backends(store: Path) -> dict[str, int]:
    """Return the number of stored rows by backend."""
    if not (store / "store.json").exists():
        return {}
    with StoreReader(store) as reader:
        found = reader.sql("SELECT backend, count(*) AS n FROM results GROUP BY backend")
    return {row["backend"]: row["n"] for row in found.to_pylist()}


def changing(executor: RayExecutor, cluster: Cluster, first: Any, folder: Path) -> dict[str, Any]:
    """Run a sweep with three bad experiments while a GPU node joins and the first node leaves.

    Training is slow until all of that has happened.
    """
    trapped = Trapped("changing", COUNT, folder)
    trapped.set("slow")
    trapped.set(f"gate-{HANGS}")
    trapped.set(f"crash-{CRASHES}")
    trapped.set(f"eat-{EXHAUSTS_MEMORY}")
    store = folder / "changing"
    report: dict[str, Any] = {"initial_workers": sum(executor.worker_counts.by_kind.values())}

    def only_new_workers() -> bool:
        workers = list(executor._pool.ready)
        report["code"] = sorted({worker.code for worker in workers})
        return {worker.node for worker in workers} == {second.node_id}

    # The sweep runs in a thread, because Ray lets only the main thread add nodes.
    with ThreadPoolExecutor(1) as thread:
        sweep = thread.submit(
            run, executor, [Selection.of_study(trapped.study)], store, max_seconds=0.2
        )
        until(lambda: sum(backends(store).values()) > 0, "a row was stored")
        second = patiently(lambda: cluster.add_node(num_cpus=2, num_gpus=1))
        until(lambda: len(backends(store)) == 2, "the new node trained")
        report["devices"] = sorted(executor.worker_counts.devices)
        cluster.remove_node(first, allow_graceful=False)
        until(only_new_workers, "the old node's worker was given up")
        trapped.unset("slow")
        report["trained"] = sweep.result(PATIENCE_S).trained
    reads = [row for row, _ in trapped.reads()]
    report["reads"] = [reads.count(row) for row in (HANGS, CRASHES, EXHAUSTS_MEMORY)]
    return report


def headless(executor: RayExecutor, cluster: Cluster, folder: Path) -> dict[str, Any]:
    """Run a sweep whose head dies while no worker starts or ends."""
    watch.SILENCE_S = 6.0  # not set earlier: on a busy machine a slow head might count as gone
    job.MIN_LIMIT_S = job.MIN_SUSPECT_LIMIT_S = PATIENCE_S
    trapped = Trapped("headless", 10 * COUNT, folder)
    trapped.set("slow")
    store = folder / "headless"

    with ThreadPoolExecutor(1) as thread:
        sweep = thread.submit(
            run, executor, [Selection.of_study(trapped.study)], store, max_seconds=0.2
        )
        until(lambda: sum(backends(store).values()) > 0, "a row was stored")
        # One worker for its GPU and one for each CPU; the others wait for a node.
        until(lambda: len(executor._pool.ready) == 3, "the node had all of its workers")
        cluster.head_node.kill_gcs_server()  # type: ignore[attr-defined]
        error = sweep.exception(PATIENCE_S)
    return {"error": type(error).__name__, "message": str(error)}


def main(folder: Path) -> None:
    """Run both sweeps on one cluster."""
    ray.cloudpickle.register_pickle_by_value(ray_session)  # type: ignore[no-untyped-call]
    # Hangs are found within seconds, yet slow tasks of a busy machine are not killed; small tasks.
    job.MIN_LIMIT_S, job.MIN_SUSPECT_LIMIT_S = 10.0, 6.0
    job.MIN_UNMEASURED_LIMIT_S = job.MAX_UNMEASURED_LIMIT_S = 120.0
    task_scheduler.LARGEST_TASK, task_scheduler.SMALLEST_TASK = 20, 10
    task_scheduler.TASK_SECONDS = 1.0
    os.chdir(folder)
    # The nodes are on this machine and must import the job's package instead of this file.
    Path("search.py").write_text("raise ImportError('not this one')")
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args={"num_cpus": 0}))
    first = patiently(lambda: cluster.add_node(num_cpus=1))
    report: dict[str, Any] = {}
    request = PoolRequest(("cpu", "cuda"), None, grows=True)
    with RayExecutor(request, {}, cluster.address, SimulatedActor) as executor:
        report["changing"] = changing(executor, cluster, first, folder)
        report["headless"] = headless(executor, cluster, folder)
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
