"""How fast each kind of worker trains, measured while it does."""

from __future__ import annotations

from orchestrator.worker_pool import WorkerCounts, WorkerKind

MEMORY = 0.5
"""Weight of the newest task in the running mean of seconds a unit of cost."""


class Speeds:
    """Running means of the seconds that a unit of `workers.cost` takes."""

    def __init__(self) -> None:
        self._seconds: dict[WorkerKind, float] = {}

    def observe(self, kind: WorkerKind, seconds_a_cost: float) -> None:
        """Learns from a task that a worker of this kind has finished."""
        before = self._seconds.get(kind, seconds_a_cost)
        self._seconds[kind] = before + MEMORY * (seconds_a_cost - before)

    def seconds_a_cost(self, kind: WorkerKind) -> float | None:
        """Seconds that a unit of cost takes; None where nothing like it has finished a task.

        A kind that is new is taken to be as fast as the same backend on another machine.
        """
        if kind in self._seconds:
            return self._seconds[kind]
        alike = [s for k, s in self._seconds.items() if k.backend == kind.backend]
        return sum(alike) / len(alike) if alike else None

    def share(self, kind: WorkerKind, worker_counts: WorkerCounts) -> float:
        """Share of all work, 0 to 1, that is one worker's of this kind if all are to end together.

        A kind whose speed nobody knows yet counts as average.
        """
        known = {k: 1 / s for k in worker_counts.workers if (s := self.seconds_a_cost(k))}
        average = sum(known.values()) / len(known) if known else 1.0
        total = sum(known.get(k, average) * count for k, count in worker_counts.workers.items())
        return known.get(kind, average) / total if total else 1.0
