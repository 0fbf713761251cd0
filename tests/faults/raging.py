"""Faults that befall a sweep and the nodes that train it, at random moments or in turn."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.agreement import Witness
from tests.faults.cluster import Nodes
from tests.faults.driver import Driver
from tests.faults.processes import seconds_until, send
from tests.orchestrator.running import count_rows

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
        alive = self.nodes.alive()
        if len(alive) < 2:
            return False
        node = self.draw.choice(alive)
        if kind == "raylet frozen":
            self.nodes.freeze(node)
            threading.Timer(self.frozen_s, self.nodes.thaw, (node,)).start()
        elif kind == "node killed":
            self.nodes.remove(node)
        else:
            self.nodes.kill_raylet(node)
        return True
