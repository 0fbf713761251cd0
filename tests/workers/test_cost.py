from __future__ import annotations

from dataclasses import replace

import pytest

from search.experiment import Experiment
from workers.cost import LONE_STEP, SHARED_STEP, STEP_COST, experiment_cost, step_cost


def test_cost_of_a_search_training_follows_its_weights_and_epochs() -> None:
    def cost(epochs: int) -> float:
        experiment = Experiment(structure=(3, 3, 3), masks=("10|01|11",), epochs=epochs)
        return experiment_cost(experiment)

    weights = 4 + 9 + 9 + 3
    assert cost(20) - cost(10) == pytest.approx((weights + STEP_COST + SHARED_STEP) * 10, rel=0.01)


def test_cost_includes_pruning() -> None:
    def cost(method: str, width: int) -> float:
        return experiment_cost(Experiment(method=method, width=width, target_nnz=40))

    training = (40 + STEP_COST + LONE_STEP) * 50
    assert training < cost("snip", 16) < cost("snip", 256) < 5 * training
    # A hundred rounds over all weights of the widest networks cost more than the training.
    assert cost("synflow", 256) > 10 * training
    assert cost("synflow", 3) > cost("iter-snip", 3) > cost("snip", 3)


def test_effective_budget_costs_several_prunings() -> None:
    direct = Experiment(method="synflow", width=64, target_nnz=40)
    effective = replace(direct, hyperparameters=(("budget", "effective"),))
    assert 5 < experiment_cost(effective) / experiment_cost(direct) < 10


def test_unknown_method_has_no_cost() -> None:
    with pytest.raises(ValueError, match="gmb"):
        experiment_cost(Experiment(method="gmb"))


def test_cost_per_weight_depends_on_width_and_density() -> None:
    def cost_per_weight(width: int, density: float) -> float:
        dense = 2 * width * width + 3 * width
        weights = int(density * dense)
        return step_cost(weights, dense) / weights

    # A dense network is trained by matrix products, at a lower cost per weight than in the kernel.
    assert cost_per_weight(256, 0.5) > 1.2 * cost_per_weight(64, 0.5)
    assert cost_per_weight(256, 1.0) < 0.7 * cost_per_weight(256, 0.5)
