"""A sweep on several nodes while drivers, workers and nodes are killed at random.

    python -m tests.faults.storm FOLDER --minutes 20
    python -m tests.faults.storm FOLDER --in-turn --nodes 2

FOLDER is made. First the sweep is trained without any fault, by the in-process executor; a store of
that (`--whole`) saves the time. After so many minutes the killing ends, and the sweep is finished.
With `--in-turn` faults do not come at random moments: there is one after the other, each as soon as
the run has got over the one before, and the sweep is slow until the last one has come.
The last line is a report in JSON; the exit code is 0 where all rows are the same.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.executor import InlineExecutor
from tests.faults.agreement import Witness, agreement
from tests.faults.cluster import Nodes, prepare
from tests.faults.driver import Driver, sparsest_run
from tests.faults.processes import seconds_until, send
from tests.faults.report import finish
from tests.faults.slow_sweep import hurry_file, slow_study, slow_sweep
from tests.faults.training import train
from tests.orchestrator.running import count_rows, write_sweep

BASE = "epochs = 5"
GRID = """lr = [0.05, 0.1]
schedule = ["cosine", "step"]
structure = ["3x3x3"]
masks = "all"
"""
"""The sweep: 103,968 experiments, two thirds of phase2-95 with a tenth of its epochs."""

BETWEEN_S = {
    "worker killed": 20.0,
    "driver killed": 120.0,
    "node killed": 150.0,
    "raylet killed": 200.0,
    "raylet frozen": 240.0,
}
"""Mean time between two faults of a kind; each moment is as likely as any other."""

IN_TURN = (
    "worker killed",
    "raylet killed",
    "node killed",
    "driver killed",
    "raylet frozen",
)
"""The order of a storm whose course is not left to chance. So few faults cannot meet one experiment
so often that it is taken for bad."""

EXPERIMENTS = 1600
"""Of the sweep of such a storm; most of them are left when it is over."""

PAUSE_S = 0.4
"""How long reading one of them takes until then."""

FROZEN_S = 30.0
"""How long a node stays frozen."""

REFILL_S = 10.0
"""How often nodes that have ended are replaced."""

RECOVERY_S = 240.0
"""How long a run may take on a busy machine to get over a fault before it counts as stuck."""

FINISH_S = 3600.0
"""How long the sweep may take when the killing is over."""


@dataclass
class Storm:
    """Faults, and what was done."""

    nodes: Nodes
    driver: Driver
    witness: Witness
    draw: random.Random
    frozen_s: float = FROZEN_S
    refill_s: float = REFILL_S
    done: Counter[str] = field(default_factory=Counter)
    ends: list[int] = field(default_factory=list)
    _refill_at: float = 0.0

    def rage(self, seconds: float) -> None:
        """Faults at random moments, for so long or until the sweep is done."""
        end = time.monotonic() + seconds
        due = {kind: time.monotonic() + self._pause(kind) for kind in BETWEEN_S}
        self.driver.start()
        while time.monotonic() < end:
            time.sleep(0.1)
            if not self._tend():
                return
            now = time.monotonic()
            for kind in [kind for kind, moment in due.items() if moment <= now]:
                due[kind] = now + self._pause(kind)
                self._strike(kind)

    def pass_in_turn(self) -> None:
        """One fault after the other, each when rows have come since the one before."""
        self.driver.start()
        for kind in IN_TURN:
            rows = self.witness.look()

            def struck(kind: str = kind, rows: int = rows) -> bool:
                assert self._tend(), f"the sweep has ended before: {kind}"
                return count_rows(self.driver.store) > rows and self._strike(kind)

            # To look more often would take the time of those that train.
            waited = seconds_until(struck, RECOVERY_S, look_every_s=0.3)
            assert waited is not None, f"too late for: {kind}"

    def finish(self) -> int:
        """Nothing more is killed; returns the last exit code."""
        self.nodes.refill()
        # A run that the last fault has ended with words is started once more.
        for attempt in range(3):
            if attempt > 0:
                self.driver.start()
            self.ends.append(self.driver.end(FINISH_S))
            if self.ends[-1] == 0:
                break
        return self.ends[-1]

    def _tend(self) -> bool:
        """Replaces what has ended, as whoever runs a cluster would; False where all is trained."""
        if time.monotonic() > self._refill_at:
            self.nodes.refill()
            self._refill_at = time.monotonic() + self.refill_s
        if self.driver.code is not None:
            self.ends.append(self.driver.code)
            if self.driver.code == 0:
                return False
            self.driver.start()
        return True

    def _pause(self, kind: str) -> float:
        return self.draw.expovariate(1 / BETWEEN_S[kind])

    def _strike(self, kind: str) -> bool:
        """Does one fault and notes it; False where there is nothing that could suffer it."""
        struck = self._do(kind)
        if struck:
            self.done[kind] += 1
            print(f"{kind}; {count_rows(self.driver.store)} rows", file=sys.stderr, flush=True)
        return struck

    def _do(self, kind: str) -> bool:
        if kind == "driver killed":
            self.driver.kill()
            self.witness.look()
            self.driver.start()
            return True
        if kind == "worker killed":
            found = self.nodes.trainers()
            if found:
                send([self.draw.choice(found)], signal.SIGKILL)
            return bool(found)
        if len(self.nodes.nodes) < 2:
            return False
        node = self.draw.choice(self.nodes.nodes)
        if kind == "raylet frozen":
            self.nodes.freeze(node)
            threading.Timer(self.frozen_s, self.nodes.thaw, (node,)).start()
        elif kind == "node killed":
            self.nodes.remove(node)
        else:
            self.nodes.kill_raylet(node)
        return True


def storm(
    folder: Path, whole: Path | None, nodes_count: int, minutes: float, seed: int
) -> dict[str, Any]:
    """Runs the sweep through a storm and compares."""
    folder.mkdir(parents=True)
    sweep = write_sweep(folder / "storm.toml", GRID, base=BASE)
    if whole is None:
        whole = folder / "whole"
        undisturbed = Driver(
            sparsest_run([sweep, "--executor", "inline"], whole, hasty=False), whole
        )
        undisturbed.start()
        assert undisturbed.end(FINISH_S) == 0, undisturbed.said.read_text()
    store = folder / "store"
    with Nodes(nodes_count, cpus=1) as nodes:
        words = ["--address", nodes.address, "--workers", str(nodes_count)]
        driver = Driver(sparsest_run([sweep, *words], store, hasty=False), store)
        raging = Storm(nodes, driver, Witness(store), random.Random(seed))
        return weather(raging, whole, lambda: raging.rage(60 * minutes))


def storm_in_turn(folder: Path, nodes_count: int, seed: int) -> dict[str, Any]:
    """Runs a slow sweep through every kind of fault and compares."""
    folder.mkdir(parents=True)
    whole, store = folder / "whole", folder / "store"
    train(InlineExecutor({}, "cpu"), slow_study(EXPERIMENTS, store), whole, 1)
    with Nodes(nodes_count, cpus=1) as nodes:
        command = slow_sweep(store, EXPERIMENTS, nodes.address, nodes_count, PAUSE_S)
        driver = Driver(command, store)
        draw = random.Random(seed)
        raging = Storm(nodes, driver, Witness(store), draw, frozen_s=5.0, refill_s=1.0)

        def rage() -> None:
            raging.pass_in_turn()
            hurry_file(store).touch()

        return weather(raging, whole, rage)


def weather(storm: Storm, whole: Path, rage: Callable[[], None]) -> dict[str, Any]:
    """Lets a storm rage and the sweep end, and compares its rows."""
    start = time.monotonic()
    rage()
    raged_s = time.monotonic() - start
    stored_in_storm = storm.witness.look()
    code = storm.finish() if storm.driver.code is None else storm.driver.code
    wall_s = time.monotonic() - start
    found = agreement(storm.witness, whole)
    return {
        "minutes": round(raged_s / 60, 1),
        "faults": dict(storm.done),
        "runs": storm.driver.starts,
        "runs_that_ended_by_themselves": storm.ends,
        "rows_in_the_storm": stored_in_storm,
        "minutes_in_all": round(wall_s / 60, 1),
        "last_exit_code": code,
        "agreement": found,
        "holds": found.holds and code == 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--in-turn", action="store_true")
    parser.add_argument("--whole", type=Path, help="what the sweep gives without a fault")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    prepare()
    if given.in_turn:
        finish(storm_in_turn(given.folder, given.nodes, given.seed))
    finish(storm(given.folder, given.whole, given.nodes, given.minutes, given.seed))


if __name__ == "__main__":
    main()
