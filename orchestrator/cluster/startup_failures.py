"""How workers fail to start, when to try again, and when nobody should wait any longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ray.exceptions import RayError

from orchestrator.cluster.worker import failed_by_itself, reason_of
from workers.train import Device

FAILED_STARTS = 3
"""So many workers of a device whose own code fails before the first that starts, and none will."""

OTHERS_S = 60.0
"""So long after the first such failure others may still start: the fault may be one node's."""

LONGEST_PAUSE_S = 60.0
"""Between two tries to start workers where they fail to."""


class StartupFailures:
    """The failures so far.

    Attributes:
        last_failure: what went wrong last, in one line; "" where nothing has since a worker
            started.
    """

    def __init__(self) -> None:
        self.last_failure = ""
        self._any_succeeded = False
        self._failed: Counter[Device] = Counter()
        self._failing_since: float | None = None
        self._again_at: dict[Device, float] = {}

    def succeeded(self, device: Device) -> None:
        """A worker has started."""
        self._any_succeeded = True
        self.last_failure = ""
        del self._failed[device]

    def failed(self, device: Device, error: RayError, now: float) -> None:
        """A worker has not."""
        self.last_failure = reason_of(error)
        if failed_by_itself(error):
            self._failed[device] += 1
            if self._failing_since is None:
                self._failing_since = now
        self._again_at[device] = now + min(LONGEST_PAUSE_S, 2.0 ** self._failed[device])

    def may_try(self, device: Device, now: float) -> bool:
        """Whether the pause after the last failure is over."""
        return now >= self._again_at.get(device, now)

    def hopeless(self, starting: Collection[Device], now: float) -> bool:
        """Whether workers fail by themselves, none has ever started, and none is likely to.

        Args:
            starting: the device of each worker that is starting, or waits for room.
            now: by the pool's clock.
        """
        failing = {device for device, count in self._failed.items() if count >= FAILED_STARTS}
        if self._any_succeeded or not failing or self._failing_since is None:
            return False
        if any(device not in failing for device in starting):
            return False  # another kind may do better
        return not starting or now - self._failing_since > OTHERS_S
