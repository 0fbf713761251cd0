"""Learning-rate schedules: one learning rate an epoch (docs/paper.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def cosine(lr: float, epochs: int) -> NDArray[np.float64]:
    """Half a cosine from `lr` towards zero, which would be reached one epoch after the last."""
    epoch = np.arange(epochs)
    return lr / 2 * (1 + np.cos(np.pi * epoch / epochs))


def step(lr: float, epochs: int) -> NDArray[np.float64]:
    """A tenth from 30 % of the epochs on and a hundredth from 60 % on (15 and 30 of 50)."""
    rates = np.full(epochs, lr)
    for first in (3 * epochs // 10, 6 * epochs // 10):
        rates[first:] *= 0.1
    return rates


def constant(lr: float, epochs: int) -> NDArray[np.float64]:
    """The same learning rate throughout."""
    return np.full(epochs, lr)


SCHEDULES: dict[str, Callable[[float, int], NDArray[np.float64]]] = {
    "cosine": cosine,
    "step": step,
    "constant": constant,
}
"""Every schedule by the name that an experiment gives it."""


def learning_rates(schedule: str, lr: float, epochs: int) -> NDArray[np.float64]:
    """The learning rate of every epoch.

    Args:
        schedule: key of `SCHEDULES`.
        lr: learning rate of the first epoch.
        epochs: number of epochs that the schedule stretches over.

    Returns:
        float64 [epochs].

    Raises:
        ValueError: there is no schedule of that name.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"unknown schedule {schedule!r}; there are: {', '.join(SCHEDULES)}")
    return SCHEDULES[schedule](lr, epochs)
