"""OBS compared with its slow version and with its definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pruning.curvature import Curved
from pruning.obs import ObsNetwork, counts, requests, stages
from search.experiment import Experiment
from search.methods import METHODS
from tests.pruning.segments import compared
from tests.pruning.slow_elimination import SlowNetwork
from tests.pruning.slow_obs import SlowCurvature, slow_obs
from tests.pruning.test_elimination import FEW, SAMPLE, SLOW_SAMPLE, sparse_network
from workers.train import train_batch


def experiment_of(method: str, width: int, target: int, **settings: float) -> Experiment:
    return Experiment(
        method=method,
        width=width,
        target_nnz=target,
        lr=0.1,
        batch_size=8,
        epochs=4,
        hyperparameters=tuple(sorted(settings.items())),
    )


@pytest.mark.parametrize(
    ("method", "width", "target", "settings", "segments"),
    [
        ("obs", 3, 16, {}, 4),
        ("obs", 4, 10, {"full_below": 22, "damping": 1e-2}, 4),
        ("obs-gradual", 4, 20, {"rounds": 3}, 4 + 2 + 4),
    ],
)
def test_segments_agree_with_the_slow_algorithm(
    method: str, width: int, target: int, settings: dict[str, float], segments: int
) -> None:
    experiment = experiment_of(method, width, target, **settings)
    requested, final = compared(requests, slow_obs, experiment, FEW)
    assert len(requested) == segments
    assert sum(int(mask.sum()) for mask in final.weight_masks) <= target


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_inverse_is_that_of_the_definition(seed: int, outputs: int) -> None:
    snapshot = sparse_network(seed, outputs)
    slow = SlowCurvature(SlowNetwork(snapshot, *SLOW_SAMPLE))
    curved = Curved(*ObsNetwork(snapshot, SAMPLE)._parameters(), *SAMPLE)
    np.testing.assert_allclose(curved.parameters, slow.vector())
    product = curved.inverse(1e-3) @ slow.matrix(1e-3)
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-8)


def test_other_parameters_minimise_the_quadratic_loss() -> None:
    # A single neuron with a bias, so that the network is linear and folding changes nothing.
    snapshot = sparse_network(0)
    layers = [(np.array([[1.5, -0.5]], np.float32), np.array([0.2], np.float32))]
    masks = [np.ones((1, 2), np.bool_)]
    network = ObsNetwork(
        replace(snapshot, layers=layers, velocities=layers, weight_masks=masks), SAMPLE
    )
    slow = SlowCurvature(SlowNetwork(network.snapshot(), *SLOW_SAMPLE))
    matrix, before = slow.matrix(1e-4), slow.vector()
    network.remove_least(1, 1e-4)
    weight, bias = network._weights, network._biases
    change = np.array([*weight, *bias]) - before
    removed = int(np.flatnonzero(weight == 0)[0])
    left = [place for place in range(3) if place != removed]
    # At the minimum the derivatives in the parameters that are left vanish.
    np.testing.assert_allclose((matrix @ change)[left], 0, atol=1e-12)
    assert change[removed] == -before[removed]
    other = 1 - removed

    def least(place: int) -> float:
        free = [at for at in range(3) if at != place]
        step = np.zeros(3)
        step[place] = -before[place]
        step[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[free, place] * step[place])
        return float(step @ matrix @ step) / 2

    assert least(removed) == pytest.approx(change @ matrix @ change / 2)
    assert least(removed) <= least(other)


def test_diverged_training_is_recorded_as_diverged() -> None:
    experiment = replace(experiment_of("obs", 8, 20), lr=1e6, batch_size=128, epochs=1)
    (row,) = train_batch([experiment]).to_pylist()
    assert (row["status"], row["accuracy"]) == ("diverged", None)


def test_stages_describe_the_training() -> None:
    assert counts(560, 20, 1) == [20]
    assert counts(400, 25, 2) == [100, 25]
    assert stages(experiment_of("obs", 16, 20), 560) == [(1.0, 560)]
    gradual = stages(experiment_of("obs-gradual", 16, 20), 560)
    rounds = METHODS["obs-gradual"].settings["rounds"].default
    assert len(gradual) == 1 + int(rounds) - 1 + 1
    assert sum(epochs for epochs, _ in gradual) == pytest.approx(1 + 19 * 0.1 + 1)
    assert gradual[-1] == (1.0, 20)
