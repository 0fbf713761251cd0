"""A node that is cut off from the network for two minutes and comes back.

    python -m tests.faults.cut_network FOLDER

The head is on this machine, the nodes are in network namespaces (`tests.faults.network`), which
needs root. The sweep is slow until the node is back. FOLDER is created. The last line is a report
in JSON; the exit code is 0 if the rows are those of an uninterrupted run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from orchestrator.executor import InlineExecutor
from storage.paths import StorePaths
from tests.faults.agreement import Witness, agreement
from tests.faults.cluster import OBJECT_STORE_BYTES, Nodes, prepare
from tests.faults.driver import Driver
from tests.faults.network import Host, Network, possible
from tests.faults.processes import descendants, is_busy, is_trainer, seconds_until
from tests.faults.report import finish
from tests.faults.slow_sweep import hurry_file, slow_study, slow_sweep
from tests.faults.training import train
from tests.orchestrator.running import count_rows

PATIENCE_S = 240.0
"""Seconds after which a step counts as stuck, on a busy machine."""

LOST = ("was lost", "has left", "worker was killed", "unavailable")
"""Words of the log when a worker is abandoned."""


def join(host: Host, head: str) -> subprocess.Popen[bytes]:
    """Start a node with one CPU on a host."""
    words = ["start", "--block", "--address", head, "--node-ip-address", host.address]
    words += ["--num-cpus", "1", "--object-store-memory", str(OBJECT_STORE_BYTES)]
    return subprocess.Popen(
        [*host.inside, sys.executable, "-m", "ray.scripts.scripts", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def cut_network(folder: Path, experiments: int, cut_s: float, hosts: int) -> dict[str, Any]:
    """Cut one of the nodes off during a sweep and compare its rows."""
    folder.mkdir(parents=True)
    undisturbed, store = folder / "undisturbed", folder / "store"
    train(InlineExecutor({}, "cpu"), slow_study(experiments, store), undisturbed, 1)
    witness = Witness(store)
    with Network(hosts) as network, Nodes(0, cpus=0, host=network.address) as head:
        cut = network.hosts[0]
        nodes = {host.name: join(host, head.address) for host in network.hosts}
        sweep = Driver(slow_sweep(store, experiments, head.address, workers=hosts), store)
        sweep.start()

        def all_train() -> bool:
            return count_rows(store) > 0 and all(
                any(is_trainer(process) for process in descendants(node.pid))
                for node in nodes.values()
            )

        def log_says(words: tuple[str, ...]) -> bool:
            return any(word in StorePaths(store).run_log.read_text() for word in words)

        def all_train_at_last() -> bool:
            for host in network.hosts:
                if nodes[host.name].poll() is not None:  # the machine was too busy to start it
                    nodes[host.name] = join(host, head.address)
            return all_train()

        waited = seconds_until(all_train_at_last, PATIENCE_S, look_every_s=0.3)
        assert waited is not None, "the nodes do not train"
        before = witness.look()
        start = time.monotonic()
        cut.pull()
        noticed_s = seconds_until(lambda: log_says(LOST), cut_s)
        time.sleep(max(0.0, cut_s - (time.monotonic() - start)))
        during = witness.look() - before
        assert sweep.code is None, sweep.output.read_text()
        still_there = [p.name[:40] for p in descendants(nodes[cut.name].pid) if is_busy(p)]
        cut.plug()
        ended_s = seconds_until(lambda: nodes[cut.name].poll() is not None, cut_s)
        started_again = ended_s is not None
        if started_again:
            # A node that Ray has declared dead ends once it is connected again. A real cluster
            # restarts it.
            nodes[cut.name] = join(cut, head.address)
        rows = witness.look()
        again_s = seconds_until(
            lambda: all_train_at_last() and count_rows(store) > rows, PATIENCE_S, look_every_s=0.3
        )
        assert sweep.code is None, "the sweep has ended before the node was back"
        hurry_file(store).touch()
        code = sweep.end(PATIENCE_S + experiments)
    found = agreement(witness, undisturbed)
    return {
        "experiments": experiments,
        "cut_s": cut_s,
        "noticed_s": noticed_s and round(noticed_s, 1),
        "rows_during_the_cut": during,
        "cut_off_processes_at_its_end": still_there,
        "cut_node_ended_after_s": ended_s and round(ended_s, 1),
        "started_again": started_again,
        "all_train_again_after_s": again_s and round(again_s, 1),
        "exit_code": code,
        "agreement": found,
        "holds": found.holds and code == 0 and again_s is not None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--experiments", type=int, default=2400)
    parser.add_argument("--cut", type=float, default=120.0, help="seconds")
    parser.add_argument("--hosts", type=int, default=2, help="one of them is cut off")
    given = parser.parse_args()
    if (why := possible()) is not None:
        sys.exit(f"no network namespaces here: {why}")
    prepare()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    finish(cut_network(given.folder, given.experiments, given.cut, given.hosts))


if __name__ == "__main__":
    main()
