"""Workers, nodes and raylets lost one after the other during one sweep, and finally the head.

    python -m tests.faults.cluster_faults FOLDER

FOLDER is created. The last line is a report in JSON with the seconds until each fault was noticed
and until all workers were back; the exit code is 0 if the rows are those of an uninterrupted run.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.executor import InlineExecutor
from storage.paths import StorePaths
from tests.faults.agreement import Witness, agreement
from tests.faults.cluster import Nodes, prepare
from tests.faults.driver import Driver
from tests.faults.processes import seconds_until, send
from tests.faults.report import finish
from tests.faults.slow_sweep import slow_study, slow_sweep
from tests.faults.training import train
from tests.orchestrator.running import count_rows

NODES = 3

PATIENCE_S = 240.0
"""Seconds after which a step counts as stuck, on a busy machine."""

UNNOTICED_S = 90.0

LOST = ("was lost", "has left", "worker was killed", "unavailable")
"""Words of the log when a worker is abandoned."""


def start_sweep(store: Path, experiments: int, address: str) -> Driver:
    """Start the slow sweep."""
    sweep = Driver(slow_sweep(store, experiments, address, NODES), store)
    sweep.start()
    return sweep


@dataclass
class Inflicted:
    """A fault and the recovery from it.

    Attributes:
        fault: name of the fault.
        noticed_s: seconds until the log reported a lost worker; None if it did not.
        all_workers_s: seconds until all actors were back; None if they never were.
        pause_s: longest time without new rows.
        rows: rows stored during the recovery.
    """

    fault: str
    noticed_s: float | None
    all_workers_s: float | None
    pause_s: float
    rows: int


def inflict(
    fault: str, strike: Callable[[], None], nodes: Nodes, store: Path, before: Sequence[int]
) -> Inflicted:
    """Inflict a fault and wait until it is noticed and all actors are back.

    A fault that is over before it is noticed is watched for `UNNOTICED_S`.
    """
    log = StorePaths(store).run_log
    logged = log.stat().st_size
    rows = first_rows = count_rows(store)
    start = last_rows = time.monotonic()
    strike()
    noticed = recovered = None
    pause = 0.0
    now = time.monotonic()
    while now < start + PATIENCE_S and recovered is None:
        time.sleep(0.1)
        nodes.refill()
        now = time.monotonic()
        if (found := count_rows(store)) > rows:
            pause, last_rows, rows = max(pause, now - last_rows), now, found
        if noticed is None:
            with log.open() as file:
                file.seek(logged)
                new_lines = file.read()
            noticed = now - start if any(word in new_lines for word in LOST) else None
        trainers = nodes.trainers()
        if (noticed is not None or now > start + UNNOTICED_S) and len(trainers) == len(before):
            recovered = now - start
    pause = max(pause, time.monotonic() - last_rows)
    return Inflicted(fault, noticed, recovered, pause, rows - first_rows)


def cluster_faults(
    folder: Path, experiments: int, faults: Sequence[str], frozen_s: float
) -> dict[str, Any]:
    """Inflict all faults on one sweep and compare its rows."""
    folder.mkdir(parents=True)
    undisturbed, store = folder / "undisturbed", folder / "store"
    train(InlineExecutor({}, "cpu"), slow_study(experiments, store), undisturbed, 1)
    witness = Witness(store)
    inflicted = []
    draw = random.Random(0)
    with Nodes(NODES, cpus=1) as nodes:
        sweep = start_sweep(store, experiments, nodes.address)
        for fault in faults:
            assert seconds_until(lambda: all_train(nodes, store), PATIENCE_S) is not None, fault
            assert sweep.code is None, f"the sweep has ended before: {fault}"
            before = nodes.trainers()
            node = draw.choice(nodes.nodes)

            def strike(fault: str = fault, node: Any = node) -> None:
                if fault == "worker killed":
                    send([draw.choice(before)], signal.SIGKILL)  # noqa: B023 - called at once
                elif fault == "node removed":
                    nodes.remove(node)
                elif fault == "raylet killed":
                    nodes.kill_raylet(node)
                else:
                    nodes.freeze(node)
                    threading.Timer(frozen_s, nodes.thaw, (node,)).start()

            inflicted.append(inflict(fault, strike, nodes, store, before))
            print(inflicted[-1], file=sys.stderr, flush=True)
            witness.look()
        rows = count_rows(store)
        assert seconds_until(lambda: count_rows(store) > rows, PATIENCE_S) is not None
        nodes.kill_head()
        start = time.monotonic()
        head_code = sweep.end(PATIENCE_S)
        ended_s = time.monotonic() - start
        witness.look()
    output = sweep.output.read_text()
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    with Nodes(NODES, cpus=1) as nodes:
        start = time.monotonic()
        code = start_sweep(store, experiments, nodes.address).end(PATIENCE_S + experiments)
        again_s = time.monotonic() - start
    found = agreement(witness, undisturbed)
    return {
        "experiments": experiments,
        "faults": [vars(one) for one in inflicted],
        "head_killed_run_ended_s": round(ended_s, 1),
        "head_killed_exit_code": head_code,
        "head_killed_words": errors[-1:],
        "run_again_s": round(again_s, 1),
        "agreement": found,
        "holds": found.holds and code == 0 and head_code == 1 and len(errors) == 1,
    }


def all_train(nodes: Nodes, store: Path) -> bool:
    """Return whether every node has an actor, and rows come."""
    return len(nodes.trainers()) == NODES and count_rows(store) > 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--experiments", type=int, default=4500)
    parser.add_argument("--frozen", type=float, default=30.0, help="seconds")
    parser.add_argument(
        "--faults",
        nargs="*",
        default=["worker killed", "node removed", "raylet killed", "raylet frozen"],
    )
    given = parser.parse_args()
    prepare()
    finish(cluster_faults(given.folder, given.experiments, given.faults, given.frozen))


if __name__ == "__main__":
    main()
