from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.experiment import Experiment
from search.structure import MAX_DEPTH, Structure

STRUCTURES = st.lists(st.integers(1, 999), min_size=1, max_size=MAX_DEPTH).map(Structure)


@given(STRUCTURES)
def test_text_round_trip_keeps_the_structure(structure: Structure) -> None:
    assert Structure.parse(str(structure)) == structure
    assert pickle.loads(pickle.dumps(structure)) == structure


def test_structure_is_a_tuple_in_ids_and_keys() -> None:
    structure = Structure.parse("7x3x3")
    assert structure == (7, 3, 3)
    assert hash(structure) == hash((7, 3, 3))
    assert json.dumps(structure) == "[7, 3, 3]"
    ids = {Experiment(structure=one).experiment_id for one in (structure, (7, 3, 3))}
    assert len(ids) == 1


@pytest.mark.parametrize(
    "text", ["", "7x", "x7", "7x0", "07", "7 x 3", "7x3\n", "x".join("1" * 65)]
)
def test_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a structure"):
        Structure.parse(text)


def test_weights_and_parameters_agree_with_the_paper() -> None:
    # docs/paper.md, section 4: 37 and 61 weights and biases.
    assert Structure.parse("3x3x3").parameters(2) == 37
    assert Structure.parse("7x3x3").parameters(2) == 61
    assert Structure.uniform(16).weights(2) == 560
    assert Structure.parse("7x3").shapes(2) == [(7, 2), (3, 7), (1, 3)]
