"""Learning-rate schedules: one learning rate per epoch (docs/paper.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def cosine(lr: float, epochs: int) -> NDArray[np.float64]:
    """Return half a cosine from `lr` towards zero, reached one epoch after the last."""
    epoch = np.arange(epochs)
    return lr / 2 * (1 + np.cos(np.pi * epoch / epochs))


def step(lr: float, epochs: int) -> NDArray[np.float64]:
    """Return `lr`, divided by 10 after 30 % and by 100 after 60 % of the epochs (15, 30 of 50)."""
    rates = np.full(epochs, lr)
    for first in (3 * epochs // 10, 6 * epochs // 10):
        rates[first:] *= 0.1
    return rates


def constant(lr: float, epochs: int) -> NDArray[np.float64]:
    """Return `lr` for every epoch."""
    return np.full(epochs, lr)


SCHEDULES: dict[str, Callable[[float, int], NDArray[np.float64]]] = {
    "cosine": cosine,
    "step": step,
    "constant": constant,
}
"""Value of `Experiment.schedule` -> function of the first learning rate and the epochs."""


def learning_rates(schedule: str, lr: float, epochs: int) -> NDArray[np.float64]:
    """Return the learning rate of every epoch.

    Returns:
        float64 [epochs].

    Raises:
        ValueError: no schedule has that name.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"unknown schedule {schedule!r}; available: {', '.join(SCHEDULES)}")
    return SCHEDULES[schedule](lr, epochs)
