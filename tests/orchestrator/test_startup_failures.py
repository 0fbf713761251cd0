"""Workers that fail to start end the run soon, and only if none can start."""

from __future__ import annotations

import time
from typing import Any

import pytest
import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError

from orchestrator.cluster.pool import START_TIMEOUT_S, Pool
from orchestrator.cluster.pool_rules import (
    MAX_FAILED_STARTS,
    OTHERS_TIMEOUT_S,
    PoolRequest,
    StartupFailures,
)
from orchestrator.cluster.watch import ClusterWatch, Node, PatientClock
from orchestrator.cluster.worker import reason_of
from orchestrator.errors import NoWorkerError, UserError
from tests.orchestrator.test_worker import died
from workers.actor import Ready
from workers.train import Device

TRACEBACK = """ray::TrainingWorker.__init__() (pid=1, repr=<x.TemporaryActor object at 0x7f>)
  File "x.py", line 1, in load
    raise error
RuntimeError: The actor with name TrainingWorker failed to import on the worker:

ray::TrainingWorker.__init__() (pid=1, repr=<x.TemporaryActor object at 0x7f>)
  File "x.py", line 2, in load
    import gone
ModuleNotFoundError: No module named 'gone'
look for it"""


def not_made() -> ActorDiedError:
    """Return Ray's error for an actor whose class cannot be imported."""
    return ActorDiedError(RayTaskError("__init__", TRACEBACK, ImportError("gone")))  # type: ignore[no-untyped-call]


def not_warm() -> RayTaskError:
    """Return Ray's error for a `warm_up` that raises."""
    return RayTaskError("warm_up", "Traceback", ValueError("no kernel"))  # type: ignore[no-untyped-call]


def lost() -> RayError:
    """Return Ray's error for a node that has left."""
    return died("The actor died because its node has died. Node Id: 12")


def failing(device: Device, error: RayError, times: int = MAX_FAILED_STARTS) -> StartupFailures:
    failures = StartupFailures()
    for _ in range(times):
        failures.record_failure(device, error, now=0.0)
    return failures


@pytest.mark.parametrize("error", [not_made(), not_warm()])
def test_workers_that_raise_are_given_up_after_a_few(error: RayError) -> None:
    few = failing("cpu", error, MAX_FAILED_STARTS - 1)
    assert not few.hopeless([], 0.0)
    assert failing("cpu", error).hopeless([], 0.0)


def test_lost_nodes_do_not_count_as_failed_starts() -> None:
    assert not failing("cpu", lost(), 10).hopeless([], 1000.0)


def test_workers_of_other_nodes_have_time_to_start() -> None:
    failures = failing("cpu", not_made())
    assert not failures.hopeless(["cpu"], OTHERS_TIMEOUT_S)
    # Some may wait for a node that never comes.
    assert failures.hopeless(["cpu"], OTHERS_TIMEOUT_S + 1)


def test_failing_gpus_do_not_end_a_run_on_cpus() -> None:
    failures = failing("cuda", not_warm())
    assert not failures.hopeless(["cpu", "cuda"], 1000.0)
    failures.record_success("cpu")
    assert not failures.hopeless([], 1000.0)
    assert not failures.may_try("cuda", 1.0)
    assert failures.may_try("cpu", 1.0)


def test_failures_of_new_nodes_do_not_end_a_running_sweep() -> None:
    failures = StartupFailures()
    failures.record_success("cpu")
    for _ in range(2 * MAX_FAILED_STARTS):
        failures.record_failure("cpu", not_made(), 0.0)
    assert not failures.hopeless([], 1000.0)


def test_reason_is_the_worker_s_own_error() -> None:
    assert reason_of(not_made()) == "ModuleNotFoundError: No module named 'gone'"
    assert reason_of(not_warm()) == "ValueError: no kernel"


class FakeCluster:
    """Stands in for Ray, the cluster's head, the clock, and the class of the actors.

    `results` maps a device to what warming up returns: an error, `Ready`, or None for never.
    """

    def __init__(self, results: dict[Device, Any], *, cpus: int = 2, gpus: int = 0) -> None:
        self.time = 0.0
        self._results = results
        self._node = Node("node", "127.0.0.1", alive=True, cpus=cpus, gpus=gpus)
        self._made = 0
        self._by_reference: dict[str, Any] = {}
        self._device: Device = "cpu"
        self.warm_up = self

    def now(self) -> float:
        return self.time

    def nodes(self) -> tuple[Node, ...]:
        return (self._node,)

    def options(self, **needs: float) -> FakeCluster:
        return self

    def remote(self, *arguments: Any) -> Any:
        if arguments:
            self._device = arguments[1]
            return self
        self._made += 1
        reference = f"warm-up {self._made}"
        self._by_reference[reference] = self._results[self._device]
        return reference

    def wait(self, references: list[str], **how: float) -> tuple[list[str], list[str]]:
        ended = [ref for ref in references if self._by_reference[ref] is not None]
        return ended, [ref for ref in references if ref not in ended]

    def get(self, reference: str, timeout: float) -> Ready:
        result = self._by_reference[reference]
        if isinstance(result, RayError):
            raise result
        assert isinstance(result, Ready)
        return result


def updated_pool(
    cluster: FakeCluster, request: PoolRequest, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> Pool:
    """A pool that was updated every second for `seconds`."""
    monkeypatch.setattr(ray, "wait", cluster.wait)
    monkeypatch.setattr(ray, "get", cluster.get)
    monkeypatch.setattr(ray, "kill", lambda actor: None)
    watch: Any = cluster
    clock: PatientClock = watch
    pool = Pool(request, {}, watch, clock, cluster)
    while cluster.time < seconds:
        pool.update()
        cluster.time += 1.0
    return pool


CPUS = PoolRequest(("cpu",), 2, grows=False)
BOTH = PoolRequest(("cpu", "cuda"), 2, grows=False)


@pytest.mark.parametrize("cpus", [1, 2])
def test_broken_installation_ends_the_run_within_seconds(
    cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = FakeCluster({"cpu": not_made()}, cpus=cpus)
    with pytest.raises(NoWorkerError, match="ModuleNotFoundError: No module named 'gone'"):
        updated_pool(cluster, CPUS, monkeypatch, START_TIMEOUT_S)
    assert cluster.time < 20


def test_cpus_train_beside_gpus_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Ready("numba", "node", "127.0.0.1", "actor.py")
    cluster = FakeCluster({"cpu": ready, "cuda": not_warm()}, cpus=2, gpus=1)
    pool = updated_pool(cluster, BOTH, monkeypatch, 2 * START_TIMEOUT_S)
    assert [worker.device for worker in pool.ready] == ["cpu"]


@pytest.mark.parametrize(
    ("cpus", "result", "reason"),
    [
        (0, None, "the nodes offer none"),
        (2, None, "none became free"),
        (2, lost(), "ActorDiedError: The actor died because its node"),
    ],
)
def test_run_without_workers_ends_with_the_reason(
    cpus: int, result: RayError | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = FakeCluster({"cpu": result}, cpus=cpus)
    with pytest.raises(NoWorkerError, match="300 s") as caught:
        updated_pool(cluster, CPUS, monkeypatch, 2 * START_TIMEOUT_S)
    assert reason in str(caught.value)


def test_loss_of_ray_on_the_driver_s_machine_ends_the_run_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described = {"NodeID": "own", "NodeManagerAddress": "127.0.0.1", "Alive": False}
    monkeypatch.setattr(ray, "nodes", lambda: [{**described, "Resources": {}}])
    watch = ClusterWatch(PatientClock())
    watch.start("own")
    deadline = time.monotonic() + 30.0
    while not watch._nodes and time.monotonic() < deadline:
        time.sleep(0.01)
    watch.stop()
    with pytest.raises(UserError, match=r"raylet.*resumes"):
        watch.nodes()
