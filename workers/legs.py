"""A stretch of training, cut at the ends of epochs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.experiment import Experiment
from workers.datasets import Dataset
from workers.orders import permutation
from workers.schedules import learning_rates


@dataclass(frozen=True, eq=False)
class Leg:
    """Steps inside one epoch.

    Attributes:
        order: uint32 [N], the epoch's order of the points.
        first_step: of the epoch, from 0.
        last_step: the step before which the leg ends.
        rate: learning rate.
    """

    order: NDArray[np.uint32]
    first_step: int
    last_step: int
    rate: float


class Road:
    """All steps of one training, counted from 0 over all of its rounds.

    Args:
        experiment: gives the order of the points, the batch size and the schedule, which starts
            anew with every round.
        dataset: what to train on.

    Raises:
        ValueError: not even one batch fits the data set.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset) -> None:
        self.steps_an_epoch = dataset.steps_per_epoch(experiment.batch_size)
        self.steps_a_round = experiment.epochs * self.steps_an_epoch
        self._seed = experiment.order_seed
        self._batch_size = experiment.batch_size
        self._rates = learning_rates(experiment.schedule, experiment.lr, experiment.epochs)
        self._epoch = -1
        self._order = np.empty(len(dataset), np.uint32)

    def legs(self, first: int, last: int) -> Iterator[Leg]:
        """The stretch from step `first` to before step `last`; use a leg before the next one."""
        while first < last:
            epoch, begin = divmod(first, self.steps_an_epoch)
            end = min(self.steps_an_epoch, begin + last - first)
            rate = float(self._rates[epoch % len(self._rates)])
            yield Leg(self._order_of(epoch), begin, end, rate)
            first += end - begin

    def batch(self, step: int) -> NDArray[np.uint32]:
        """Places of the points of one step, uint32 [batch_size]."""
        epoch, place = divmod(step, self.steps_an_epoch)
        first = place * self._batch_size
        return self._order_of(epoch)[first : first + self._batch_size]

    def _order_of(self, epoch: int) -> NDArray[np.uint32]:
        if epoch != self._epoch:
            permutation(self._seed, epoch, self._order)
            self._epoch = epoch
        return self._order
