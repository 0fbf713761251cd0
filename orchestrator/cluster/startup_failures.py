"""Workers that fail to start: when to try again, and when to give up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ray.exceptions import RayError

from orchestrator.cluster.worker import failed_by_itself, reason_of
from workers.train import Device

MAX_FAILED_STARTS = 3
"""Number of workers of a device that fail in their own code, before any has started, after which
the device is given up."""

OTHERS_TIMEOUT_S = 60.0
"""Seconds after the first such failure in which others may still start: one node may be broken."""

MAX_PAUSE_S = 60.0
"""Maximum pause between two attempts to start workers of a device."""


class StartupFailures:
    """The failures so far.

    Attributes:
        last_failure: the latest error in one line; "" if none came since a worker started.
    """

    def __init__(self) -> None:
        self.last_failure = ""
        self._any_succeeded = False
        self._failed: Counter[Device] = Counter()
        self._first_failure_at: float | None = None
        self._next_attempt_at: dict[Device, float] = {}

    def record_success(self, device: Device) -> None:
        """Note that a worker has started."""
        self._any_succeeded = True
        self.last_failure = ""
        del self._failed[device]

    def record_failure(self, device: Device, error: RayError, now: float) -> None:
        """Note that a worker has not started."""
        self.last_failure = reason_of(error)
        if failed_by_itself(error):
            self._failed[device] += 1
            if self._first_failure_at is None:
                self._first_failure_at = now
        self._next_attempt_at[device] = now + min(MAX_PAUSE_S, 2.0 ** self._failed[device])

    def may_try(self, device: Device, now: float) -> bool:
        """Return whether the pause after the last failure is over."""
        return now >= self._next_attempt_at.get(device, now)

    def hopeless(self, starting: Collection[Device], now: float) -> bool:
        """Return whether no worker has started and none is likely to."""
        failing = {device for device, count in self._failed.items() if count >= MAX_FAILED_STARTS}
        if self._any_succeeded or not failing or self._first_failure_at is None:
            return False
        if any(device not in failing for device in starting):
            return False  # workers of another device may start
        return not starting or now - self._first_failure_at > OTHERS_TIMEOUT_S
