"""A clock for time limits that stands still while this process does."""

from __future__ import annotations

import time

LONGEST_STEP_S = 2.0


class PatientClock:
    """Monotonic seconds, of which no two looks are more than `LONGEST_STEP_S` apart.

    A driver that was stopped, or busy with the disk, finds answers waiting when it goes on. By any
    other clock every time limit would have passed before it looks.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._now = 0.0

    def now(self) -> float:
        """Seconds since the clock was made, as far as somebody looked."""
        last, self._last = self._last, time.monotonic()
        self._now += min(self._last - last, LONGEST_STEP_S)
        return self._now
