"""The learning rates of one training, and its optimiser steps in slices of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.experiment import SCHEDULES, Experiment
from workers.datasets import Dataset
from workers.orders import permutation


@dataclass(frozen=True, eq=False)
class EpochSlice:
    """Consecutive steps of one epoch.

    Attributes:
        order: uint32 [N], order of the points in this epoch.
        first_step: first step of the slice, counted from 0 at the start of the epoch.
        last_step: end of the slice, exclusive.
        rate: learning rate.
    """

    order: NDArray[np.uint32]
    first_step: int
    last_step: int
    rate: float


class StepSchedule:
    """All steps of one training, counted from 0 across its rounds.

    The learning-rate schedule restarts with every round.

    Attributes:
        experiment, dataset: the training.
        steps_per_epoch: number of steps of an epoch.
        steps_per_round: number of steps of a round.
        rates: float64 [epochs], learning rate of each epoch of a round.

    Raises:
        ValueError: the batch size exceeds the data set.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset) -> None:
        self.experiment, self.dataset = experiment, dataset
        self.steps_per_epoch = dataset.steps_per_epoch(experiment.batch_size)
        self.steps_per_round = experiment.epochs * self.steps_per_epoch
        self.rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
        self._epoch = -1
        self._order = np.empty(len(dataset), np.uint32)

    def slices(self, first: int, last: int, rate: float | None = None) -> Iterator[EpochSlice]:
        """Yield the steps in [first, last), one slice per epoch; `last` can be beyond the rounds.

        The slices share one buffer for `order`, so use each of them before taking the next. Without
        `rate` it is the schedule's.
        """
        while first < last:
            epoch, start = divmod(first, self.steps_per_epoch)
            end = min(self.steps_per_epoch, start + last - first)
            scheduled = float(self.rates[epoch % len(self.rates)])
            used = scheduled if rate is None else rate
            yield EpochSlice(self._order_of(epoch), start, end, used)
            first += end - start

    def batch(self, step: int) -> NDArray[np.uint32]:
        """Return the indices of the points of one step, uint32 [batch_size]."""
        epoch, step_in_epoch = divmod(step, self.steps_per_epoch)
        size = self.experiment.batch_size
        return self._order_of(epoch)[step_in_epoch * size : (step_in_epoch + 1) * size]

    def _order_of(self, epoch: int) -> NDArray[np.uint32]:
        if epoch != self._epoch:
            permutation(self.experiment.order_seed, epoch, self._order)
            self._epoch = epoch
        return self._order


def learning_rates(schedule: str, lr: float, epochs: int) -> NDArray[np.float64]:
    """Return the learning rate of every epoch, float64 [epochs]; a ValueError for other schedules.

    See docs/paper.md, section 3.
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
