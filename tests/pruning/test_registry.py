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


def test_only_the_search_takes_masks() -> None:
    assert [name for name, method in METHODS.items() if "masks" in method.keys] == ["search"]


def test_search_is_asked_for_masks() -> None:
    with pytest.raises(ValueError, match="'search' does not prune before training"):
        pruning_before(METHODS["search"])


def test_misspelt_method_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'serach'.*search"):
        method_named("serach")


def test_authors_values_are_among_those_allowed() -> None:
    for method in METHODS.values():
        for name, setting in method.settings.items():
            assert setting.allows(setting.default), (method.name, name)
            assert repr(setting.canonical(setting.default)) == repr(setting.default)


def test_steps_are_held_against_a_hyperparameter_that_exists() -> None:
    asking = [method for method in METHODS.values() if method.steps_at_least]
    assert asking
    assert all(method.steps_at_least in method.settings for method in asking)


def test_table_of_a_method_is_another_key_of_a_sweep_file() -> None:
    assert not set(METHODS) & set(FILE_KEYS)
