"""Mask schedules that are functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pruning.protocol import Batch, Pruned, Snapshot


@dataclass(frozen=True)
class Scheduled:
    """A `pruning.protocol.MaskSchedule`.

    Attributes:
        start, changes, rounds, takes_step: as there.
        changed: its method `change`; None if there are no changes.
    """

    start: Pruned
    changes: Sequence[int] = ()
    changed: Callable[[int, Snapshot, Callable[[], Batch]], Snapshot] | None = None
    rounds: int = 1
    takes_step: bool = False

    def change(self, step: int, network: Snapshot, batch: Callable[[], Batch]) -> Snapshot:
        """Return the network with changed masks."""
        assert self.changed is not None
        return self.changed(step, network, batch)


def with_masks(network: Snapshot, masks: Pruned) -> Snapshot:
    """Return a network under other masks."""
    return replace(network, weight_masks=masks.weight_masks, bias_masks=masks.bias_masks)
