"""What pruning before training is handed: batches of its own, and one thread to compute with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import numpy as np
import torch

from pruning.protocol import Batch
from search.experiment import Experiment
from workers.datasets import Dataset
from workers.orders import permutation


def pruning_batches(experiment: Experiment, dataset: Dataset) -> Iterator[Batch]:
    """Batches without end, drawn as training draws its own, from a stream of the experiment's own.

    Pass p over the data set is in the order of epoch p of the stream "pruning"; the last short
    batch of a pass is left out.

    Args:
        experiment: gives the seed and the batch size.
        dataset: what to draw from.

    Yields:
        Points float32 [batch_size, features] and labels float32 [batch_size].

    Raises:
        ValueError: a batch is larger than the data set.
    """
    steps = dataset.steps_per_epoch(experiment.batch_size)
    order = np.empty(len(dataset), dtype=np.uint32)
    for number in count():
        permutation(experiment.seed("pruning"), number, order)
        for step in range(steps):
            first = step * experiment.batch_size
            places = order[first : first + experiment.batch_size]
            # Copied to memory that torch aligns: how numbers lie may decide how they are summed.
            yield torch.tensor(dataset.points[places]), torch.tensor(dataset.labels[places])


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: in a sum shared among several, their number decides the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
