"""A job of the driver, and how long a worker may take for it."""

from __future__ import annotations

from dataclasses import dataclass

from workers.cost import UNIT_MS
from workers.task import Task

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
