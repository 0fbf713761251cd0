"""A sweep on several nodes while drivers, workers and nodes are killed at random.

    python -m tests.faults.storm FOLDER --minutes 20

FOLDER is made. First the sweep is trained without any fault, by the in-process executor; a store of
that (`--whole`) saves the time. After so many minutes the killing ends, and the sweep is finished.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.agreement import Witness, agreement
from tests.faults.cluster import Nodes, prepare
from tests.faults.driver import Driver
from tests.faults.processes import send
from tests.faults.report import finish
from tests.orchestrator.running import count_rows, write_sweep

NODES = 3

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

FROZEN_S = 30.0
"""How long a node stays frozen."""

REFILL_S = 10.0
"""How often nodes that have ended are replaced."""

FINISH_S = 3600.0
"""How long the sweep may take when the killing is over."""


@dataclass
class Storm:
    """Faults at random moments, and what was done."""

    nodes: Nodes
    driver: Driver
    witness: Witness
    draw: random.Random
    done: Counter[str] = field(default_factory=Counter)
    ends: list[int] = field(default_factory=list)

    def rage(self, seconds: float) -> None:
        """So long, or until the sweep is done."""
        end = time.monotonic() + seconds
        refill_at = 0.0
        due = {kind: time.monotonic() + self._pause(kind) for kind in BETWEEN_S}
        self.driver.start()
        while time.monotonic() < end:
            time.sleep(0.1)
            now = time.monotonic()
            if now > refill_at:
                self.nodes.refill()
                refill_at = now + REFILL_S
            if self.driver.code is not None:
                self.ends.append(self.driver.code)
                if self.driver.code == 0:
                    return
                self.driver.start()
            for kind in [kind for kind, moment in due.items() if moment <= now]:
                due[kind] = now + self._pause(kind)
                if self._strike(kind):
                    self.done[kind] += 1
                    print(f"{kind}; {count_rows(self.driver.store)} rows", file=sys.stderr)

    def finish(self) -> int:
        """Nothing more is killed; returns the last exit code."""
        while not self.nodes.refill():
            continue
        # A run that the last fault has ended with words is started once more.
        for attempt in range(3):
            if attempt > 0:
                self.driver.start()
            self.ends.append(self.driver.end(FINISH_S))
            if self.ends[-1] == 0:
                break
        return self.ends[-1]

    def _pause(self, kind: str) -> float:
        return self.draw.expovariate(1 / BETWEEN_S[kind])

    def _strike(self, kind: str) -> bool:
        """Does one fault; False where there is nothing that could suffer it."""
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
            threading.Timer(FROZEN_S, self.nodes.thaw, (node,)).start()
        elif kind == "node killed":
            self.nodes.remove(node)
        else:
            self.nodes.kill_raylet(node)
        return True


def storm(folder: Path, whole: Path | None, minutes: float, seed: int) -> dict[str, Any]:
    """Runs the sweep through a storm and compares."""
    folder.mkdir(parents=True)
    sweep = write_sweep(folder / "storm.toml", GRID, base=BASE)
    if whole is None:
        undisturbed = Driver([sweep, "--executor", "inline"], folder / "whole", hasty=False)
        undisturbed.start()
        assert undisturbed.end(FINISH_S) == 0, undisturbed.said.read_text()
        whole = undisturbed.store
    with Nodes(NODES, cpus=1) as nodes:
        driver = Driver(
            [sweep, "--address", nodes.address, "--workers", str(NODES)],
            folder / "store",
            hasty=False,
        )
        witness = Witness(driver.store)
        raging = Storm(nodes, driver, witness, random.Random(seed))
        start = time.monotonic()
        raging.rage(60 * minutes)
        raged_s = time.monotonic() - start
        stored_in_storm = witness.look()
        code = raging.finish() if driver.code is None else driver.code
        wall_s = time.monotonic() - start
    found = agreement(witness, whole)
    return {
        "minutes": round(raged_s / 60, 1),
        "faults": dict(raging.done),
        "runs": driver.starts,
        "runs_that_ended_by_themselves": raging.ends,
        "rows_in_the_storm": stored_in_storm,
        "minutes_in_all": round(wall_s / 60, 1),
        "last_exit_code": code,
        "agreement": found,
        "holds": found.holds and code == 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--whole", type=Path, help="what the sweep gives without a fault")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    prepare()
    finish(storm(given.folder, given.whole, given.minutes, given.seed))


if __name__ == "__main__":
    main()
