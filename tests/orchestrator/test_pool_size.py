"""The number of workers that a cluster gets."""

from __future__ import annotations

from orchestrator.cluster.pool_rules import (
    MAX_PENDING_WORKERS,
    MIN_PENDING_WORKERS,
    PoolRequest,
    should_reserve_cpu,
    wanted_workers,
)
from orchestrator.cluster.watch import Node

HEAD = Node("head", "10.0.0.1", True, 0, 0)
BOTH = PoolRequest(("cpu", "cuda"), None, grows=False)


def node(name: str, cpus: int, gpus: int = 0, *, alive: bool = True) -> Node:
    return Node(name, "10.0.0.2", alive, cpus, gpus)


def test_dead_node_is_left_out() -> None:
    nodes = [HEAD, node("a", 4), node("b", 8, alive=False)]
    assert wanted_workers(nodes, PoolRequest(("cpu",), None, grows=False), busy=True) == {"cpu": 4}


def test_worker_of_a_gpu_has_a_cpu_to_itself() -> None:
    nodes = [HEAD, node("a", 4), node("b", 8, 2)]
    assert wanted_workers(nodes, BOTH, busy=True) == {"cuda": 2, "cpu": 10}
    assert wanted_workers([node("c", 1, 4)], BOTH, busy=True) == {"cuda": 4, "cpu": 0}


def test_gpus_come_first_under_a_limit() -> None:
    nodes = [node("a", 4), node("b", 8, 2)]
    for limit, cuda, cpu in ((1, 1, 0), (2, 2, 0), (5, 2, 3), (100, 2, 10)):
        request = PoolRequest(("cpu", "cuda"), limit, grows=False)
        assert wanted_workers(nodes, request, busy=True) == {"cuda": cuda, "cpu": cpu}


def test_cluster_grows_in_bounds_while_there_is_work() -> None:
    request = PoolRequest(("cpu", "cuda"), None, grows=True)
    assert wanted_workers([HEAD], request, busy=True) == {"cuda": 0, "cpu": MIN_PENDING_WORKERS}
    assert wanted_workers([node("a", 16)], request, busy=True) == {"cuda": 0, "cpu": 32}
    assert wanted_workers([node("a", 16)], request, busy=False) == {"cuda": 0, "cpu": 16}
    large = [node(str(n), 64) for n in range(20)]
    assert wanted_workers(large, request, busy=True)["cpu"] == 20 * 64 + MAX_PENDING_WORKERS
    few = PoolRequest(("cpu",), 20, grows=True)
    assert wanted_workers([node("a", 16)], few, busy=True) == {"cpu": 20}


def test_nodes_with_gpus_are_asked_for_only_if_gpus_alone_are_wanted() -> None:
    nodes = [node("a", 4, 1)]
    assert (
        wanted_workers(nodes, PoolRequest(("cpu", "cuda"), None, grows=True), busy=True)["cuda"]
        == 1
    )
    assert wanted_workers(nodes, PoolRequest(("cuda",), None, grows=True), busy=True)["cuda"] > 1


def test_driver_reserves_a_cpu_of_a_large_cluster() -> None:
    assert not should_reserve_cpu([HEAD, node("a", 64)], "head")
    assert not should_reserve_cpu([node("head", 8), node("a", 4)], "head")
    assert should_reserve_cpu([node("head", 8), node("a", 8)], "head")
    request = PoolRequest(("cpu",), None, grows=False)
    assert wanted_workers([node("a", 16)], request, busy=True, reserved=1) == {"cpu": 15}
