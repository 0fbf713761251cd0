"""Checks of Ray: that it starts here, or that a cluster's nodes are like this machine."""

from __future__ import annotations

from collections.abc import Iterator

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.cluster import session
from orchestrator.doctor.finding import Finding, ok, problem, warning
from orchestrator.doctor.node_report import NodeReport, node_report
from orchestrator.errors import UserError

TIMEOUT_S = 120.0
"""How long the nodes may take to answer: they import numba and torch first."""


def check_ray(address: str | None) -> Iterator[Finding]:
    """Starts Ray here, or joins a cluster, and asks every node what it runs.

    `orchestrator.ray_environment.prepare_ray_environment` must have been called.

    Args:
        address: of the cluster; None for this machine.
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


def _check_nodes(address: str | None) -> Iterator[Finding]:
    nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    yield ok("ray", f"{ray.__version__}, {address or 'starts here'}, {len(nodes)} node(s)")
    ask = ray.remote(num_cpus=0, max_retries=0)(node_report)
    waiting = {
        ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(): f"node {node['NodeManagerAddress']}"
        for node in nodes
    }
    done, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=TIMEOUT_S)
    here = node_report()
    for reference, name in waiting.items():
        if reference not in done:
            said = f"did not answer within {TIMEOUT_S:.0f} s"
            yield problem(name, said, "look at its log in /tmp/ray, or take it out")
            continue
        try:
            report = ray.get(reference, timeout=TIMEOUT_S)
        except RayError as error:
            said = str(error.cause if isinstance(error, ray.exceptions.RayTaskError) else error)
            advice = "install the same version of this project there"
            yield problem(name, said.strip().splitlines()[-1], advice)
        else:
            yield compare_nodes(name, here, report)


def compare_nodes(name: str, here: NodeReport, there: NodeReport) -> Finding:
    """A node against this machine: rows of one sweep should be made by one software."""
    others = [
        f"{package} {there.versions.get(package, 'missing')} (here: {version})"
        for package, version in here.versions.items()
        if there.versions.get(package) != version
    ]
    if there.code != here.code:
        advice = "bring the same commit to every node"
        return problem(name, f"{there.host} runs other code of this project", advice)
    if others:
        advice = "install constraints.txt there too"
        return problem(name, f"{there.host}: {', '.join(others)}", advice)
    found = f"{there.host}, {there.cores} cores, {there.backend}"
    if there.backend != here.backend:
        advice = (
            "rows of different backends differ in their last bits: set SPARSEST_ARITHMETIC on all "
            "nodes, or leave it"
        )
        return warning(name, f"{found} (here: {here.backend})", advice)
    return ok(name, found)
