from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pruning.protocol import Snapshot
from pruning.validation import check_masks, check_snapshot
from search.method import TO_TARGET, Method
from search.methods import METHODS, all_methods, method_named
from search.plugin_methods import check_method
from search.settings import Setting
from tests.installed import install

FINE = Method(
    "mine", "before", TO_TARGET, "mine", (1, 1), settings={"some": Setting(1, 0, 9, "of it")}
)


def test_method_that_is_fine_is_refused() -> None:
    assert check_method("mine", FINE) is FINE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "other"}, "its Method is named 'other', its entry point 'mine'"),
        ({"prunes": "after"}, "prunes is 'after'"),
        ({"prunes": "explicit"}, "prunes is 'explicit'"),
        ({"keys": frozenset({"masks"})}, "keys must be"),
        ({"module": ""}, "module is empty"),
        ({"cost": (0.0, 1.0)}, "cost must be two numbers above 0"),
        ({"cost": (float("nan"), 1.0)}, "cost must be two numbers above 0"),
        ({"settings": {"Some": Setting(1, 0, 9, "")}}, "setting 'Some'"),
        ({"settings": {"copy": Setting(1, 0, 9, "")}}, "setting 'copy'"),
        ({"settings": {"some": 1}}, "setting 'some' is a int"),
        ({"settings": {"some": Setting(10, 0, 9, "")}}, "its default 10 is not allowed"),
        ({"steps_at_least": "none"}, "steps_at_least is 'none'"),
        ({"rounds_setting": "none"}, "rounds_setting is 'none'"),
    ],
)
def test_method_that_cannot_be_one_is_taken(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_method("mine", replace(FINE, **changes))


@pytest.mark.parametrize("name", ["grid", "base", "copy"])
def test_table_of_a_method_is_another_key_of_a_sweep_file(name: str) -> None:
    with pytest.raises(ValueError, match="its name is taken"):
        check_method(name, replace(FINE, name=name))


def test_anything_else_is_taken_for_a_method() -> None:
    with pytest.raises(ValueError, match="a dict, not a Method"):
        check_method("mine", {"name": "mine"})


def test_plugins_hide_the_project_s_own_methods(site: Path) -> None:
    points = {"snip": "mine:METHOD", "mine": "mine:METHOD", "broken": "mine:NONE"}
    code = "from tests.search.test_plugin_methods import FINE as METHOD"
    install(site, "mine-pruning", "1.0", {"sparsest.methods": points}, mine=code)
    assert method_named("snip") is METHODS["snip"]
    assert method_named("mine").settings == FINE.settings
    assert list(all_methods()) == [*METHODS, "mine"]
    with pytest.raises(ValueError, match=r"'broken' of the package mine-pruning 1.0 cannot be"):
        method_named("broken")
    with pytest.raises(ValueError, match=r"unknown method 'nimm'; there are: search.*mine"):
        method_named("nimm")


def test_masks_of_other_shapes_reach_the_kernel() -> None:
    layers = [
        (np.zeros((n_out, n_in), np.float32), np.zeros(n_out, np.float32))
        for n_in, n_out in ((2, 4), (4, 1))
    ]
    weights = [np.ones((4, 2), np.bool_), np.ones((1, 4), np.bool_)]
    biases = [np.ones(4, np.bool_), np.ones(1, np.bool_)]
    check_masks("mine", weights, biases, layers)
    check_snapshot("mine", Snapshot(layers, layers, weights, biases), layers)
    with pytest.raises(ValueError, match=r"'mine' .*weight masks .* bool \[2, 4\]"):
        check_masks("mine", [weights[0].T, weights[1]], biases, layers)
    with pytest.raises(ValueError, match=r"bias masks .*bool \[4\].*bool \[1\]"):
        check_masks("mine", weights, biases[:1], layers)
    with pytest.raises(ValueError, match=r"weight masks .*float32"):
        check_masks("mine", [weight for weight, _ in layers], biases, layers)  # type: ignore[misc]
    doubled = [(weight.astype(np.float64), bias) for weight, bias in layers]
    with pytest.raises(ValueError, match=r"weights' velocities .*float64"):
        check_snapshot("mine", Snapshot(layers, doubled, weights, biases), layers)  # type: ignore[arg-type]
