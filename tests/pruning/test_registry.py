from __future__ import annotations

import pytest

from pruning.registry import METHODS, method_named, pruning_before
from search.experiment import Experiment


@pytest.mark.parametrize("name", sorted(METHODS))
def test_method_is_found_by_its_own_name(name: str) -> None:
    assert method_named(name).name == name


def test_default_method_of_an_experiment_exists() -> None:
    assert method_named(Experiment().method).prunes == "given"


def test_only_the_search_takes_masks() -> None:
    assert [name for name, method in METHODS.items() if "masks" in method.keys] == ["search"]


def test_search_is_asked_for_masks() -> None:
    with pytest.raises(ValueError, match="'search' does not prune before training"):
        pruning_before(METHODS["search"])


def test_misspelt_method_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'serach'.*search"):
        method_named("serach")
