"""Kinds of workers: how many there are, and how fast each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.train import Device

NEWEST_WEIGHT = 0.5
"""Weight of the newest task in the running mean of a kind's seconds per unit of cost."""


@dataclass(frozen=True)
class WorkerKind:
    """Workers that are equally fast: those of one device and backend on one machine (`host`)."""

    device: Device = "cpu"
    backend: str = ""
    host: str = ""


DEFAULT_KIND = WorkerKind()
"""The kind of all workers where there is only one."""


@dataclass(frozen=True)
class WorkerCounts:
    """The workers at one moment.

    Attributes:
        by_kind: number of workers that are ready, by kind.
        devices: devices of the workers that are ready or starting.
    """

    by_kind: Mapping[WorkerKind, int] = field(default_factory=dict)
    devices: frozenset[Device] = frozenset({"cpu"})


class Speeds:
    """Running means of the seconds that each kind takes for a unit of `workers.cost`."""

    def __init__(self) -> None:
        self._seconds_per_cost: dict[WorkerKind, float] = {}

    def observe(self, kind: WorkerKind, seconds_per_cost: float) -> None:
        """Add the measurement of a finished task."""
        mean = self._seconds_per_cost.get(kind, seconds_per_cost)
        self._seconds_per_cost[kind] = mean + NEWEST_WEIGHT * (seconds_per_cost - mean)

    def seconds_per_cost(self, kind: WorkerKind) -> float | None:
        """Return the seconds that a unit of cost takes.

        A kind that has finished no task is assumed to be as fast as the same backend on other
        machines. None if there is no such measurement either.
        """
        if kind in self._seconds_per_cost:
            return self._seconds_per_cost[kind]
        same = [s for k, s in self._seconds_per_cost.items() if k.backend == kind.backend]
        return sum(same) / len(same) if same else None

    def share(self, kind: WorkerKind, counts: WorkerCounts) -> float:
        """Return one worker's share of all work, 0 to 1, such that all workers finish together.

        A kind of unknown speed counts as average.
        """
        known = {k: 1 / s for k in counts.by_kind if (s := self.seconds_per_cost(k))}
        average = sum(known.values()) / len(known) if known else 1.0
        total = sum(known.get(k, average) * count for k, count in counts.by_kind.items())
        return known.get(kind, average) / total if total else 1.0
