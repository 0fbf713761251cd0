"""Bookkeeping of the driver: jobs, numbers of workers, and counts of trained rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from workers.cost import UNIT_MS
from workers.task import Task
from workers.train import Device

ATTEMPTS = 3
"""Attempts per experiment before it is recorded as `failed`."""

TOLERANCE = 20.0
"""Multiple of its expected duration that a task may take. The expectation comes from a sample of
its experiments, and other programs use the machine too."""

MIN_LIMIT_S = 60.0
"""Minimum time limit: a worker may have to import or to compile something first."""

MIN_SUSPECT_LIMIT_S = 20.0
"""Minimum time limit of a part of a failed task. It is short because a hundred hanging experiments
are found one after the other; a part that is killed by mistake is only tried again."""

MIN_UNMEASURED_LIMIT_S = 120.0
MAX_UNMEASURED_LIMIT_S = 900.0
"""Bounds of the time limit while no task has been finished. It doubles with each failure until
then: experiments may hang, or take far longer than planned."""

UNMEASURED_TOLERANCE = 200.0
"""Multiple of its duration on a reference processor that such a task may take at first."""


@dataclass(frozen=True)
class Job:
    """A task with what the driver knows about it; a worker receives the task alone.

    Attributes:
        cost: estimated cost of all of them (`workers.cost`).
        losses: number of times that its machine was lost while training it.
        suspect: True for a part of a task that failed.
    """

    task: Task
    cost: float
    failures: int = 0
    losses: int = 0
    suspect: bool = False

    def time_limit_s(self, seconds_per_cost: float | None, failures_so_far: int) -> float:
        """Return the seconds that a worker may take before it is killed.

        Its speed is None while it is unknown, and failures count until the first success.
        """
        if seconds_per_cost is not None:
            minimum = MIN_SUSPECT_LIMIT_S if self.suspect else MIN_LIMIT_S
            return max(minimum, TOLERANCE * seconds_per_cost * self.cost)
        limit_s = max(MIN_UNMEASURED_LIMIT_S, UNMEASURED_TOLERANCE * self.cost * UNIT_MS / 1000)
        return min(MAX_UNMEASURED_LIMIT_S, limit_s * 2.0 ** min(failures_so_far, 10))

    def __str__(self) -> str:
        study, intervals = self.task.study, self.task.indices.intervals
        first, last = study.label(intervals[0][0]), study.label(intervals[-1][1] - 1)
        if len(self.task.indices) == 1:
            return f"experiment {first}"
        return f"experiments {first} to {last}"


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


@dataclass
class Tally:
    """The counts of one sweep.

    Attributes:
        trained: rows received, including failed ones.
        busy_s: wall-clock seconds of all workers, added up.
        train_s: the part of `busy_s` spent on training.
        work_left: estimated fraction of the work that remains, from 1 to 0. Experiments differ in
            cost by a factor of ten thousand, so it does not follow from their number.
        interrupted: True if the run stopped before everything was trained.
    """

    total: int = 0
    trained: int = 0
    failed: int = 0
    busy_s: float = 0.0
    train_s: float = 0.0
    work_left: float = 1.0
    interrupted: bool = False

    @property
    def left(self) -> int:
        """Experiments that remain to be trained."""
        return self.total - self.trained

    def add_rows(self, rows: pa.RecordBatch) -> None:
        """Count rows of `search.schema.RESULT_SCHEMA`."""
        self.trained += rows.num_rows
        self.failed += pc.sum(pc.equal(rows.column("status"), "failed")).as_py() or 0
        self.train_s += (pc.sum(rows.column("train_ms")).as_py() or 0) / 1000
