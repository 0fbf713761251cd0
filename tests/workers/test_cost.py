from __future__ import annotations

import pytest

from search.experiment import Experiment
from workers.cost import STEP_COST, experiment_cost


def test_search_costs_something_else_than_its_weights() -> None:
    experiment = Experiment(structure=(3, 3, 3), masks=("10|01|11",), epochs=10)
    assert experiment_cost(experiment) == (4 + 9 + 9 + 3 + STEP_COST) * 10


def test_choosing_the_masks_costs_nothing() -> None:
    def cost(method: str, width: int) -> float:
        return experiment_cost(Experiment(method=method, width=width, target_nnz=40))

    training = (40 + STEP_COST) * 50
    assert training < cost("snip", 16) < cost("snip", 256) < 5 * training
    # A hundred rounds over all weights of the widest networks are dearer than the training.
    assert cost("synflow", 256) > 10 * training
    assert cost("synflow", 3) > cost("iter-snip", 3) > cost("snip", 3)


def test_unknown_method_has_a_cost() -> None:
    with pytest.raises(ValueError, match="unknown method 'gmb'"):
        experiment_cost(Experiment(method="gmb"))
