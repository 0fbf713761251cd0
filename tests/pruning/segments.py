"""Comparison of a method that requests its training with a slow version of it."""

from __future__ import annotations

import numpy as np
import pytest

from pruning.protocol import PrunesAdaptively, Requests, Segment, Snapshot
from search.experiment import Experiment
from workers.adaptive import DatasetMeasure
from workers.datasets import Dataset
from workers.initial import starting_network
from workers.mask_schedule import advance
from workers.start import masked
from workers.step_schedule import StepSchedule


def compared(
    ours: PrunesAdaptively, slow: PrunesAdaptively, experiment: Experiment, dataset: Dataset
) -> tuple[list[Segment], Snapshot]:
    """Train with both versions and assert that they request and return the same networks.

    Returns:
        The segments and the final network.
    """
    layers = starting_network(experiment, {}, dataset.features, dataset.outputs)
    schedule = StepSchedule(experiment, dataset)
    measure = DatasetMeasure(schedule)
    our_requests = ours(experiment, layers, measure)
    slow_requests = slow(experiment, layers, measure)
    trained: Snapshot | list[Snapshot] | None = None
    slow_trained: Snapshot | None = None
    segments: list[Segment] = []
    while isinstance(requested := _after(our_requests, trained), Segment | list):
        networks: list[Snapshot] = []
        for segment in requested if isinstance(requested, list) else [requested]:
            # The slow version requests one segment at a time.
            expected = _after(slow_requests, networks[-1] if networks else slow_trained)
            assert isinstance(expected, Segment)
            steps = segment.first_step, segment.last_step
            assert steps == (expected.first_step, expected.last_step)
            assert segment.rate == pytest.approx(expected.rate)
            _assert_same(segment.network, expected.network)
            network = masked(segment.network)
            networks.append(advance(network, schedule, *steps, segment.rate))
            segments.append(segment)
        trained = networks if isinstance(requested, list) else networks[0]
        slow_trained = networks[-1]
    final = _after(slow_requests, slow_trained)
    assert isinstance(final, Snapshot)
    assert isinstance(requested, Snapshot)
    _assert_same(requested, final)
    return segments, requested


def _after(generator: Requests, trained: Snapshot | list[Snapshot] | None) -> object:
    try:
        return next(generator) if trained is None else generator.send(trained)
    except StopIteration as end:
        return end.value


def _assert_same(ours: Snapshot, slow: Snapshot) -> None:
    ours, slow = masked(ours), masked(slow)
    for mask, slow_mask in zip(ours.weight_masks, slow.weight_masks, strict=True):
        np.testing.assert_array_equal(mask, slow_mask)
    for parameters, slow_parameters in (
        (ours.layers, slow.layers),
        (ours.velocities, slow.velocities),
    ):
        for pair, slow_pair in zip(parameters, slow_parameters, strict=True):
            for array, slow_array in zip(pair, slow_pair, strict=True):
                np.testing.assert_allclose(array, slow_array, rtol=1e-5, atol=1e-6)
