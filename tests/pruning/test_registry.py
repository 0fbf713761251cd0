from __future__ import annotations

import pytest

from pruning.registry import pruning_before
from search.experiment import Experiment
from search.methods import METHODS, method_named
from search.sweeps.keys import FILE_KEYS


@pytest.mark.parametrize("name", sorted(METHODS))
def test_method_is_found_by_its_own_name(name: str) -> None:
    assert method_named(name).name == name


def test_default_method_of_an_experiment_exists() -> None:
    assert method_named(Experiment().method).prunes == "explicit"


def test_only_the_search_uses_masks() -> None:
    assert [name for name, method in METHODS.items() if "masks" in method.keys] == ["search"]


def test_search_has_no_algorithm() -> None:
    with pytest.raises(ValueError, match="'search'"):
        pruning_before(METHODS["search"])


def test_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'serach'.*search"):
        method_named("serach")


def test_authors_values_are_allowed() -> None:
    for method in METHODS.values():
        for name, setting in method.settings.items():
            assert setting.allows(setting.default), (method.name, name)
            assert repr(setting.canonical(setting.default)) == repr(setting.default)


def test_minimum_of_steps_is_an_existing_setting() -> None:
    methods = [method for method in METHODS.values() if method.steps_at_least]
    assert methods
    assert all(method.steps_at_least in method.settings for method in methods)


def test_no_method_has_the_name_of_a_sweep_file_key() -> None:
    assert not set(METHODS) & set(FILE_KEYS)
