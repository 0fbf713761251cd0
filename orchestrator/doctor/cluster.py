"""Checks of Ray: that it starts, and that the nodes of a cluster are like this machine."""

from __future__ import annotations

from collections.abc import Iterator

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.cluster import session
from orchestrator.display.formatting import counted
from orchestrator.doctor.diagnosis import Diagnosis, ok, problem, warning
from orchestrator.doctor.node_report import NodeReport, node_report
from orchestrator.errors import UserError

TIMEOUT_S = 120.0
"""Seconds that nodes have to answer: they import numba and torch first."""


def check_ray(address: str | None) -> Iterator[Diagnosis]:
    """Start Ray on this machine or join a cluster, and compare every node with this machine.

    Call `orchestrator.ray_environment.prepare_ray_environment` first.
    """
    try:
        if address is None:
            session.start(cpus=1)
        else:
            session.join(address)
    except UserError as error:
        # The message says what is wrong in its first sentence and then what to do.
        found, _, advice = str(error).partition(". ")
        yield problem("ray", found, advice or "see docs/cluster.md")
        return
    try:
        yield from _check_nodes(address)
    finally:
        ray.shutdown()


def _check_nodes(address: str | None) -> Iterator[Diagnosis]:
    nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    yield ok("ray", f"{ray.__version__}, {address or 'starts'}, {counted(len(nodes), 'node')}")
    ask = ray.remote(num_cpus=0, max_retries=0)(node_report)
    waiting = {
        ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(): f"node {node['NodeManagerAddress']}"
        for node in nodes
    }
    done, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=TIMEOUT_S)
    local = node_report()
    for reference, name in waiting.items():
        if reference not in done:
            found = f"did not answer within {TIMEOUT_S:.0f} s"
            yield problem(name, found, "read Ray's log on that node, or remove the node")
            continue
        try:
            report = ray.get(reference, timeout=TIMEOUT_S)
        except RayError as error:
            cause = str(error.cause if isinstance(error, ray.exceptions.RayTaskError) else error)
            advice = "install the same version of this project there"
            yield problem(name, cause.strip().splitlines()[-1], advice)
        else:
            yield compare_nodes(name, local, report)


def compare_nodes(name: str, local: NodeReport, remote: NodeReport) -> Diagnosis:
    """Compare a node with this machine: one software should train all rows of a sweep."""
    different = [
        f"{package} {remote.versions.get(package, 'missing')} (here: {version})"
        for package, version in local.versions.items()
        if remote.versions.get(package) != version
    ]
    if remote.code != local.code:
        advice = "install the same commit on every node"
        return problem(name, f"{remote.host} runs another version of this project's code", advice)
    if different:
        advice = "install constraints.txt there too"
        return problem(name, f"{remote.host}: {', '.join(different)}", advice)
    found = f"{remote.host}, {remote.cores} cores, {remote.backend}"
    if remote.backend != local.backend:
        advice = (
            "rows of different backends differ in their last bits; if that matters, set "
            "SPARSEST_ARITHMETIC on all nodes"
        )
        return warning(name, f"{found} (here: {local.backend})", advice)
    return ok(name, found)
