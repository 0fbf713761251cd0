from __future__ import annotations

import pytest

from search.experiment import Experiment
from workers.cost import LONE_STEP, SHARED_STEP, STEP_COST, experiment_cost, step_cost


def test_search_costs_something_else_than_its_weights() -> None:
    def cost(epochs: int) -> float:
        experiment = Experiment(structure=(3, 3, 3), masks=("10|01|11",), epochs=epochs)
        return experiment_cost(experiment)

    weights = 4 + 9 + 9 + 3
    assert cost(20) - cost(10) == pytest.approx((weights + STEP_COST + SHARED_STEP) * 10, rel=0.01)


def test_choosing_the_masks_costs_nothing() -> None:
    def cost(method: str, width: int) -> float:
        return experiment_cost(Experiment(method=method, width=width, target_nnz=40))

    training = (40 + STEP_COST + LONE_STEP) * 50
    assert training < cost("snip", 16) < cost("snip", 256) < 5 * training
    # A hundred rounds over all weights of the widest networks are dearer than the training.
    assert cost("synflow", 256) > 10 * training
    assert cost("synflow", 3) > cost("iter-snip", 3) > cost("snip", 3)


def test_unknown_method_has_a_cost() -> None:
    with pytest.raises(ValueError, match="unknown method 'gmb'"):
        experiment_cost(Experiment(method="gmb"))


def test_weight_of_a_wide_network_costs_what_one_of_a_narrow_one_does() -> None:
    def a_weight(width: int, density: float) -> float:
        dense = 2 * width * width + 3 * width
        weights = int(density * dense)
        return step_cost(weights, dense) / weights

    # In the kernel; as matrix products they are cheaper than they would be there.
    assert a_weight(256, 0.5) > 1.2 * a_weight(64, 0.5)
    assert a_weight(256, 1.0) < 0.7 * a_weight(256, 0.5)
