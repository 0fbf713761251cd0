"""A clock for time limits that does not advance while this process is stopped."""

from __future__ import annotations

import time

MAX_STEP_S = 2.0
"""Maximum advance of the clock between two readings."""


class PatientClock:
    """Monotonic seconds, of which at most `MAX_STEP_S` pass between two readings.

    A driver that was stopped, or waited for the disk, finds answers waiting when it resumes. With
    an ordinary clock, every time limit would have expired before it looks at them.
    """

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._now = 0.0

    def now(self) -> float:
        """Return the seconds since the clock was made."""
        last, self._last = self._last, time.monotonic()
        self._now += min(self._last - last, MAX_STEP_S)
        return self._now
