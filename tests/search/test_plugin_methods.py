from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.method import TO_TARGET, Method
from search.methods import METHODS, all_methods, method_named
from search.plugin_methods import check_method
from search.settings import Setting
from tests.installed import install

FINE = Method(
    "mine", "before", TO_TARGET, "mine", (1, 1), settings={"some": Setting(1, 0, 9, "of it")}
)


def test_valid_method_is_accepted() -> None:
    assert check_method("mine", FINE) is FINE


@pytest.mark.parametrize(
    ("changes", "problem"),
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
        (
            {"settings": {"some": Setting("x", choices=("a", "b"))}},
            "its default 'x' is not allowed",
        ),
        ({"settings": {"some": Setting("a", choices=("a",))}, "steps_at_least": "some"}, "words"),
        ({"validates": True}, "validates"),
        ({"settings": {"some": Setting(10, 0, 9, "")}}, "its default 10 is not allowed"),
        ({"steps_at_least": "none"}, "steps_at_least is 'none'"),
        ({"rounds_setting": "none"}, "rounds_setting is 'none'"),
    ],
)
def test_invalid_method_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_method("mine", replace(FINE, **changes))


@pytest.mark.parametrize("name", ["grid", "base", "copy"])
def test_name_of_a_sweep_file_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="its name is taken"):
        check_method(name, replace(FINE, name=name))


def test_other_object_is_refused() -> None:
    with pytest.raises(ValueError, match="a dict, not a Method"):
        check_method("mine", {"name": "mine"})


def test_built_in_method_wins_over_a_plugin(site: Path) -> None:
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
