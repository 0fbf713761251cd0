"""How many workers a cluster gets."""

from __future__ import annotations

from orchestrator.cluster.size import MORE_AT_LEAST, MORE_AT_MOST, Wish, needs_seat, wanted_workers
from orchestrator.cluster.watch import Node

HEAD = Node("head", "10.0.0.1", True, 0, 0)
BOTH = Wish(("cpu", "cuda"), None, grows=False)


def node(name: str, cpus: int, gpus: int = 0, *, alive: bool = True) -> Node:
    return Node(name, "10.0.0.2", alive, cpus, gpus)


def test_dead_node_counts() -> None:
    nodes = [HEAD, node("a", 4), node("b", 8, alive=False)]
    assert wanted_workers(nodes, Wish(("cpu",), None, grows=False), busy=True) == {"cpu": 4}


def test_worker_of_a_gpu_shares_its_cpu_with_another() -> None:
    nodes = [HEAD, node("a", 4), node("b", 8, 2)]
    assert wanted_workers(nodes, BOTH, busy=True) == {"cuda": 2, "cpu": 10}
    assert wanted_workers([node("c", 1, 4)], BOTH, busy=True) == {"cuda": 4, "cpu": 0}


def test_limit_leaves_gpus_idle_or_is_not_kept() -> None:
    nodes = [node("a", 4), node("b", 8, 2)]
    for limit, cuda, cpu in ((1, 1, 0), (2, 2, 0), (5, 2, 3), (100, 2, 10)):
        wish = Wish(("cpu", "cuda"), limit, grows=False)
        assert wanted_workers(nodes, wish, busy=True) == {"cuda": cuda, "cpu": cpu}


def test_cluster_grows_without_work_or_without_bounds() -> None:
    wish = Wish(("cpu", "cuda"), None, grows=True)
    assert wanted_workers([HEAD], wish, busy=True) == {"cuda": 0, "cpu": MORE_AT_LEAST}
    assert wanted_workers([node("a", 16)], wish, busy=True) == {"cuda": 0, "cpu": 32}
    assert wanted_workers([node("a", 16)], wish, busy=False) == {"cuda": 0, "cpu": 16}
    large = [node(str(n), 64) for n in range(20)]
    assert wanted_workers(large, wish, busy=True)["cpu"] == 20 * 64 + MORE_AT_MOST
    few = Wish(("cpu",), 20, grows=True)
    assert wanted_workers([node("a", 16)], few, busy=True) == {"cpu": 20}


def test_dear_gpus_are_asked_for_where_cpus_would_do() -> None:
    nodes = [node("a", 4, 1)]
    assert wanted_workers(nodes, Wish(("cpu", "cuda"), None, grows=True), busy=True)["cuda"] == 1
    assert wanted_workers(nodes, Wish(("cuda",), None, grows=True), busy=True)["cuda"] > 1


def test_driver_of_a_large_cluster_shares_its_cpu_or_of_a_small_one_takes_one() -> None:
    assert not needs_seat([HEAD, node("a", 64)], "head")
    assert not needs_seat([node("head", 8), node("a", 4)], "head")
    assert needs_seat([node("head", 8), node("a", 8)], "head")
    wish = Wish(("cpu",), None, grows=False)
    assert wanted_workers([node("a", 16)], wish, busy=True, reserved=1) == {"cpu": 15}
