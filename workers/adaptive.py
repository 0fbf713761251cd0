"""Training of a network whose pruning algorithm requests segments of training as it proceeds."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Measurement, PrunesAdaptively, Requests, Segment, Snapshot
from pruning.registry import algorithm, plugin_guard
from pruning.validation import check_segment, check_snapshot
from search.compilation import running_time
from search.experiment import Experiment
from search.layers import StoredInit
from search.methods import method_named
from search.process_state import standard_state
from workers.cost import prefers_matrices
from workers.datasets import Dataset
from workers.initial import starting_network
from workers.mask_schedule import Cost, advance, advance_together, result_of
from workers.sparse import SparseNetworks, evaluate
from workers.start import check_targets, masked, method_call
from workers.step_schedule import StepSchedule
from workers.trained import Trained


class DatasetMeasure:
    """The `pruning.protocol.Measure` of a training, with the points that are held out, if any."""

    def __init__(self, schedule: StepSchedule, validation: Dataset | None = None) -> None:
        self._dataset = schedule.dataset
        self._validation = validation or schedule.dataset
        self.points = _read_only(self._dataset.points)
        self.labels = _read_only(self._dataset.labels)
        self.steps_per_epoch = schedule.steps_per_epoch
        self.learning_rates: Sequence[float] = schedule.rates.tolist()

    def __call__(self, network: Snapshot) -> Measurement:
        """Measure a network; see `pruning.protocol.Measure`."""
        return Measurement(*evaluate(network, self._dataset)[:2])

    def losses(self, networks: Sequence[Snapshot]) -> list[float]:
        """Return the loss of each network; see `pruning.protocol.Measure`."""
        losses = SparseNetworks(networks).losses(self._dataset)
        return [loss / len(self._dataset) for loss in losses]

    def validation(self, network: Snapshot) -> Measurement:
        """Measure a network; see `pruning.protocol.Measure`."""
        return Measurement(*evaluate(network, self._validation)[:2])


def holds_out(experiment: Experiment, dataset: Dataset) -> bool:
    """Return whether a training holds points out; see `pruning.protocol.Measure.validation`."""
    chooses = experiment.target_accuracy is not None and dataset.test is not None
    return chooses or method_named(experiment.method).validates


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    view = array.view()
    view.flags.writeable = False
    return view


def train_adaptively(
    experiment: Experiment, dataset: Dataset, inits: Mapping[str, StoredInit]
) -> Trained:
    """Train one network of a method that prunes adaptively.

    `inits` are the stored initialisations by token.

    Raises:
        ValueError: as `pruning.protocol.PrunesAdaptively`; or the experiment gives masks, an
            initialisation is missing, a batch is larger than the data set, or the method requests a
            segment or returns a network that does not fit.
    """
    check_targets(experiment)
    # Imported late: torch takes seconds and 200 MB, which workers of a search do not need.
    import torch  # noqa: F401 - must be loaded before `standard_state` sets its state

    started = running_time()
    method = experiment.method
    layers = starting_network(experiment, inits, dataset.features, dataset.outputs)
    parts = dataset.parts() if holds_out(experiment, dataset) else (dataset, None)
    schedule = StepSchedule(experiment, parts[0])
    measure = DatasetMeasure(schedule, parts[1])
    cost = Cost()
    requests: PrunesAdaptively = algorithm(method_named(method), "adaptive")
    with standard_state():
        with method_call(method):
            generator = requests(experiment, layers, measure)
        if not isinstance(generator, Generator):
            raise ValueError(
                f"method {method!r}: its function must be a generator, which yields segments of "
                "training and returns the final network; it has no `yield`"
            )
        requested = _resumed(method, generator, None)
        while isinstance(requested, Segment | list):
            segments = [requested] if isinstance(requested, Segment) else requested
            for segment in segments:
                check_segment(method, segment, layers)
                cost.add(segment.network, int(segment.last_step) - int(segment.first_step))
            trained = _trained(schedule, segments)
            together = trained if isinstance(requested, list) else trained[0]
            requested = _resumed(method, generator, together)
        check_snapshot(method, requested, layers)
        return result_of(masked(requested), dataset, started, cost, requested.extras)


def _trained(schedule: StepSchedule, segments: Sequence[Segment]) -> list[Snapshot]:
    """Return the networks after the training that segments request."""
    alike = {(int(s.first_step), int(s.last_step), float(s.rate)) for s in segments}
    dense = any(s.objective or prefers_matrices(s.network.weight_masks) for s in segments)
    if len(alike) == 1 and not dense:
        (steps,) = alike
        return advance_together([segment.network for segment in segments], schedule, *steps)
    return [_trained_alone(schedule, segment) for segment in segments]


def _trained_alone(schedule: StepSchedule, segment: Segment) -> Snapshot:
    network = masked(segment.network)
    steps = int(segment.first_step), int(segment.last_step), float(segment.rate)
    if segment.objective is None:
        return advance(network, schedule, *steps)
    # Imported late, like torch itself.
    from workers.objective import train_objective

    # The method's functions run in the middle of the training.
    with plugin_guard(schedule.experiment.method):
        return masked(train_objective(network, segment.objective, schedule, *steps))


def _resumed(
    method: str, generator: Requests, trained: Snapshot | list[Snapshot] | None
) -> Segment | list[Segment] | Snapshot:
    """Run an algorithm until it requests training or returns its final network.

    `trained` is the network of the last segment, or the networks of its segments; None at the
    start. A ValueError if it requests something else.
    """
    with plugin_guard(method):
        try:
            requested = next(generator) if trained is None else generator.send(trained)
        except StopIteration as end:
            returned: Snapshot = end.value
            return returned
    for segment in requested if isinstance(requested, list) else [requested]:
        if not isinstance(segment, Segment):
            raise ValueError(
                f"method {method!r} requested a {type(segment).__name__}, not a Segment"
            )
    if requested == []:
        raise ValueError(f"method {method!r} requested an empty list of segments")
    return requested
