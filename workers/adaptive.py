"""Training of a network whose pruning algorithm requests segments of training as it proceeds."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Measurement, Segment, Snapshot
from pruning.registry import pruning_adaptively
from pruning.validation import check_segment, check_snapshot
from search.experiment import Experiment
from search.layers import StoredInit
from search.methods import METHODS, method_named
from search.process_state import standard_state
from workers.datasets import Dataset
from workers.initial import starting_network
from workers.mask_schedule import Cost, advance, masked, result_of
from workers.sparse import SparseNetwork
from workers.start import check_targets, method_call
from workers.step_schedule import StepSchedule
from workers.trained import Trained


class DatasetMeasure:
    """The `pruning.protocol.Measure` of a training.

    Args:
        dataset: data set to measure on.
        schedule: steps of the training.
    """

    def __init__(self, dataset: Dataset, schedule: StepSchedule) -> None:
        self._dataset = dataset
        self.points = _read_only(dataset.points)
        self.labels = _read_only(dataset.labels)
        self.steps_per_epoch = schedule.steps_per_epoch
        self.learning_rates: Sequence[float] = schedule.rates.tolist()

    def __call__(self, network: Snapshot) -> Measurement:
        """Measure a network; see `pruning.protocol.Measure`."""
        hits, loss, _ = SparseNetwork(network).evaluate(self._dataset)
        return Measurement(hits / len(self.labels), loss / len(self.labels))


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    view = array.view()
    view.flags.writeable = False
    return view


def train_adaptively(
    experiment: Experiment, dataset: Dataset, inits: Mapping[str, StoredInit]
) -> Trained:
    """Train one network of a method that prunes adaptively.

    Args:
        experiment: experiment to train.
        dataset: data set for training and evaluation.
        inits: stored initialisations by token.

    Raises:
        ValueError: as `pruning.protocol.PrunesAdaptively`; or the experiment gives masks, an
            initialisation is missing, a batch is larger than the data set, or the method requests
            a segment or returns a network that does not fit.
    """
    check_targets(experiment)
    # Imported late: torch takes seconds and 200 MB, which workers of a search do not need.
    import torch  # noqa: F401 - must be loaded before `standard_state` sets its state

    started = time.perf_counter()
    method = experiment.method
    layers = starting_network(experiment, inits, dataset.features, dataset.outputs)
    schedule = StepSchedule(experiment, dataset)
    measure = DatasetMeasure(dataset, schedule)
    cost = Cost()
    requests = pruning_adaptively(method_named(method))
    with standard_state():
        with method_call(method):
            generator = requests(experiment, layers, measure)
        requested = _resumed(method, generator, None)
        while isinstance(requested, Segment):
            check_segment(method, requested, layers)
            steps = int(requested.first_step), int(requested.last_step)
            network = masked(requested.network)
            network = _trained(network, experiment, dataset, schedule, requested)
            cost.add(network, steps[1] - steps[0])
            requested = _resumed(method, generator, network)
        check_snapshot(method, requested, layers)
        return result_of(masked(requested), dataset, started, cost, requested.extras)


def _trained(
    network: Snapshot,
    experiment: Experiment,
    dataset: Dataset,
    schedule: StepSchedule,
    segment: Segment,
) -> Snapshot:
    """Return a network after the training that a segment requests."""
    steps = int(segment.first_step), int(segment.last_step)
    rate = float(segment.rate)
    if segment.objective is None:
        return advance(network, experiment, dataset, schedule, *steps, rate)
    # Imported late, like torch itself.
    from workers.objective import train_objective

    settings = (experiment.batch_size, experiment.momentum, experiment.weight_decay)
    slices = schedule.slices(*steps, rate)
    # The method's functions run in the middle of the training.
    guard = nullcontext() if experiment.method in METHODS else method_call(experiment.method)
    with guard:
        trained = train_objective(
            experiment.method, network, segment.objective, slices, dataset, *settings
        )
    return masked(trained)


def _resumed(
    method: str, generator: Generator[Segment, Snapshot, Snapshot], trained: Snapshot | None
) -> Segment | Snapshot:
    """Run an algorithm until it requests a segment or returns its final network.

    Args:
        method: name of the method.
        generator: the algorithm.
        trained: network of the last segment; None at the start.

    Raises:
        ValueError: the algorithm requests something else.
    """
    # A built-in method already runs in the standard state, so only a plug-in is guarded.
    guard = nullcontext() if method in METHODS else method_call(method)
    with guard:
        try:
            requested = next(generator) if trained is None else generator.send(trained)
        except StopIteration as end:
            returned: Snapshot = end.value
            return returned
    if not isinstance(requested, Segment):
        raise ValueError(f"method {method!r} requested a {type(requested).__name__}, not a Segment")
    return requested
