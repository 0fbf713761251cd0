"""Learning-rate schedules: one learning rate per epoch (docs/paper.md, section 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.experiment import SCHEDULES


def learning_rates(schedule: str, lr: float, epochs: int) -> NDArray[np.float64]:
    """Return the learning rate of every epoch, float64 [epochs]; a ValueError for other schedules.

    "cosine" is half a cosine from `lr` towards zero, reached one epoch after the last; "step" is
    `lr`, divided by 10 after 30 % and by 100 after 60 % of the epochs (15 and 30 of 50).
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"unknown schedule {schedule!r}; available: {', '.join(SCHEDULES)}")
    if schedule == "cosine":
        return lr / 2 * (1 + np.cos(np.pi * np.arange(epochs) / epochs))
    rates = np.full(epochs, lr)
    if schedule == "step":
        for first in (3 * epochs // 10, 6 * epochs // 10):
            rates[first:] *= 0.1
    return rates
