"""Faults of a sweep and of the nodes that train it, at random moments or in turn."""

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
"""Mean seconds between two faults of a kind; every moment is equally likely."""

IN_TURN = (
    "worker killed",
    "raylet killed",
    "node killed",
    "driver killed",
    "raylet frozen",
)
"""Order of the faults that come in turn. They are too few to hit one experiment so often that it is
blamed."""

FROZEN_S = 30.0
"""Seconds that a node stays frozen."""

REFILL_S = 10.0
"""Seconds between two replacements of nodes that have ended."""

RECOVERY_S = 240.0
"""Seconds after a fault in which a run must recover, on a busy machine."""

FINISH_S = 3600.0
"""Seconds that the sweep may take after the last fault."""


@dataclass
class Storm:
    """Faults and their counts."""

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
        """Inflict faults at random moments for some seconds or until the sweep is done."""
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
        """Inflict one fault after the other, each after new rows."""
        self.driver.start()
        for kind in IN_TURN:
            rows = self.witness.look()

            def struck(kind: str = kind, rows: int = rows) -> bool:
                assert self._tend(), f"the sweep has ended before: {kind}"
                return count_rows(self.driver.store) > rows and self._strike(kind)

            # Looking more often would slow down the training.
            waited = seconds_until(struck, RECOVERY_S, look_every_s=0.3)
            assert waited is not None, f"too late for: {kind}"

    def finish(self) -> int:
        """Stop inflicting faults; return the last exit code."""
        self.nodes.refill()
        # A run that the last fault has ended with an error is started again.
        for attempt in range(3):
            if attempt > 0:
                self.driver.start()
            self.ends.append(self.driver.end(FINISH_S))
            if self.ends[-1] == 0:
                break
        return self.ends[-1]

    def _tend(self) -> bool:
        """Replace nodes and runs that have ended; return False once everything is trained."""
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
        """Inflict a fault and count it; return False if nothing can suffer it."""
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
