"""Workers that fail to start end the run soon, and only where none can."""

from __future__ import annotations

from typing import Any

import pytest
import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError

from orchestrator.clock import PatientClock
from orchestrator.cluster.pool import START_TIMEOUT_S, Pool
from orchestrator.cluster.size import Wish
from orchestrator.cluster.startup_failures import FAILED_STARTS, OTHERS_S, StartupFailures
from orchestrator.cluster.watch import Node
from orchestrator.cluster.worker import reason_of
from orchestrator.errors import NoWorkerError
from tests.orchestrator.test_worker import died
from workers.actor import Ready
from workers.train import Device

TRACEBACK = """ray::Trainer.__init__() (pid=1, repr=<x.TemporaryActor object at 0x7f>)
  File "x.py", line 1, in load
    raise error
RuntimeError: The actor with name Trainer failed to import on the worker:

ray::Trainer.__init__() (pid=1, repr=<x.TemporaryActor object at 0x7f>)
  File "x.py", line 2, in load
    import gone
ModuleNotFoundError: No module named 'gone'
look for it"""


def not_made() -> ActorDiedError:
    """As Ray makes it when an actor's class cannot be imported."""
    return ActorDiedError(RayTaskError("__init__", TRACEBACK, ImportError("gone")))  # type: ignore[no-untyped-call]


def not_warm() -> RayTaskError:
    """As Ray makes it when `warm_up` raises."""
    return RayTaskError("warm_up", "Traceback", ValueError("no kernel"))  # type: ignore[no-untyped-call]


def lost() -> RayError:
    """As Ray makes it when a node leaves."""
    return died("The actor died because its node has died. Node Id: 12")


def failing(device: Device, error: RayError, times: int = FAILED_STARTS) -> StartupFailures:
    starts = StartupFailures()
    for _ in range(times):
        starts.failed(device, error, now=0.0)
    return starts


@pytest.mark.parametrize("error", [not_made(), not_warm()])
def test_workers_that_raise_are_waited_for(error: RayError) -> None:
    few = failing("cpu", error, FAILED_STARTS - 1)
    assert not few.hopeless([], 0.0)
    assert failing("cpu", error).hopeless([], 0.0)


def test_nodes_that_leave_are_taken_for_a_broken_program() -> None:
    assert not failing("cpu", lost(), 10).hopeless([], 1000.0)


def test_one_broken_node_ends_a_run_while_others_start() -> None:
    starts = failing("cpu", not_made())
    assert not starts.hopeless(["cpu"], OTHERS_S)
    # Some may wait for a node that never comes.
    assert starts.hopeless(["cpu"], OTHERS_S + 1)


def test_broken_gpus_end_a_run_that_cpus_could_do() -> None:
    starts = failing("cuda", not_warm())
    assert not starts.hopeless(["cpu", "cuda"], 1000.0)
    starts.succeeded("cpu")
    assert not starts.hopeless([], 1000.0)
    assert not starts.may_try("cuda", 1.0)
    assert starts.may_try("cpu", 1.0)


def test_long_running_sweep_ends_for_failures_of_new_nodes() -> None:
    starts = StartupFailures()
    starts.succeeded("cpu")
    for _ in range(2 * FAILED_STARTS):
        starts.failed("cpu", not_made(), 0.0)
    assert not starts.hopeless([], 1000.0)


def test_what_a_worker_said_is_lost_in_ray_s_words() -> None:
    assert reason_of(not_made()) == "ModuleNotFoundError: No module named 'gone'"
    assert reason_of(not_warm()) == "ValueError: no kernel"


class FakeCluster:
    """Stands for Ray, the cluster's head, the clock, and the class of the actors.

    `says` has what a new worker of a device comes to: an error, or None where it waits for ever.
    """

    def __init__(self, says: dict[Device, Any], *, cpus: int = 2, gpus: int = 0) -> None:
        self.time = 0.0
        self._says = says
        self._node = Node("node", "127.0.0.1", alive=True, cpus=cpus, gpus=gpus)
        self._made = 0
        self._comes: dict[str, Any] = {}
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
        self._comes[reference] = self._says[self._device]
        return reference

    def wait(self, references: list[str], **how: float) -> tuple[list[str], list[str]]:
        ended = [ref for ref in references if self._comes[ref] is not None]
        return ended, [ref for ref in references if ref not in ended]

    def get(self, reference: str, timeout: float) -> Ready:
        found = self._comes[reference]
        if isinstance(found, RayError):
            raise found
        assert isinstance(found, Ready)
        return found


def looks(
    cluster: FakeCluster, wish: Wish, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> Pool:
    """A pool that is looked at every second for so long."""
    monkeypatch.setattr(ray, "wait", cluster.wait)
    monkeypatch.setattr(ray, "get", cluster.get)
    monkeypatch.setattr(ray, "kill", lambda actor: None)
    watch: Any = cluster
    clock: PatientClock = watch
    made = Pool(wish, {}, watch, clock, cluster)
    while cluster.time < seconds:
        made.look()
        cluster.time += 1.0
    return made


CPUS = Wish(("cpu",), 2, grows=False)
BOTH = Wish(("cpu", "cuda"), 2, grows=False)


@pytest.mark.parametrize("cpus", [1, 2])
def test_broken_installation_is_waited_for_for_minutes(
    cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = FakeCluster({"cpu": not_made()}, cpus=cpus)
    with pytest.raises(NoWorkerError) as caught:
        looks(cluster, CPUS, monkeypatch, START_TIMEOUT_S)
    assert cluster.time < 20
    said = "no worker can start; the last one said: ModuleNotFoundError: No module named 'gone'. "
    assert str(caught.value).startswith(said)


def test_cpus_do_not_train_beside_gpus_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Ready("numba", "node", "127.0.0.1", "actor.py")
    cluster = FakeCluster({"cpu": ready, "cuda": not_warm()}, cpus=2, gpus=1)
    made = looks(cluster, BOTH, monkeypatch, 2 * START_TIMEOUT_S)
    assert [worker.device for worker in made.ready] == ["cpu"]


@pytest.mark.parametrize(
    ("cpus", "says", "said"),
    [
        (0, None, "each needs a CPU, and the nodes offer none."),
        (2, None, "each needs a CPU, and none became free, or it takes too long to start there."),
        (2, lost(), "the last one ended with: ActorDiedError: The actor died because its node"),
    ],
)
def test_reason_why_no_worker_comes_is_untrue(
    cpus: int, says: RayError | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoWorkerError, match="no worker could start within 300 s") as caught:
        looks(FakeCluster({"cpu": says}, cpus=cpus), CPUS, monkeypatch, 2 * START_TIMEOUT_S)
    assert said in str(caught.value)
