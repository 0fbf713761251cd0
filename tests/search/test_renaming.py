from __future__ import annotations

import random
from itertools import pairwise, permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.masks.renaming import network_form, representative, without_renamings
from search.masks.text import is_eligible
from search.paper_grids import LISTED_MASKS
from tests.search.renamings import Masks, all_renamed, eligible, renamed


@st.composite
def networks(draw: st.DrawFn, widest: int = 4, deepest: int = 3) -> Masks:
    """Draw masks of any kind, with empty rows and columns."""
    widths = draw(st.lists(st.integers(1, widest), min_size=2, max_size=deepest + 1))
    rows = [
        draw(st.lists(st.text("01", min_size=cols, max_size=cols), min_size=n, max_size=n))
        for cols, n in pairwise(widths)
    ]
    return tuple("|".join(layer) for layer in rows)


@pytest.mark.parametrize("structure", [(3,), (2, 3), (3, 2), (1, 3, 2), (2, 2, 3), (2, 1, 2, 2)])
def test_representative_is_the_last_eligible_mask(structure: tuple[int, ...]) -> None:
    listed = eligible(2, structure)
    place = {masks: number for number, masks in enumerate(listed)}
    for masks in listed:
        names = {other for other in all_renamed(masks) if other in place}
        assert representative(masks) == max(names, key=place.__getitem__)


@given(networks())
def test_renamings_have_the_same_representative(masks: Masks) -> None:
    found = representative(masks)
    same = set(all_renamed(masks))
    assert found in same
    assert {representative(other) for other in same} == {found}


@given(networks(), networks())
def test_different_networks_have_different_representatives(one: Masks, other: Masks) -> None:
    assert (representative(one) == representative(other)) == (other in set(all_renamed(one)))


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_wide_networks_do_not_depend_on_names(depth: int, seed: int) -> None:
    draw = random.Random(seed)
    masks = [
        "|".join("".join(draw.choices("01", k=cols)) for _ in range(16))
        for cols in (2, 16, 16)[:depth]
    ]
    orders = [draw.sample(range(16), 16) for _ in masks]
    assert representative(renamed(masks, orders)) == representative(masks)


def test_dense_layers_have_a_representative() -> None:
    dense = ["|".join(["1" * cols] * rows) for cols, rows in ((2, 16), (16, 64), (64, 16))]
    assert representative(dense) == tuple(dense)
    assert representative([]) == ()


def test_representative_is_eligible() -> None:
    masks = ("01|10|11", "100|011|001|010")
    assert representative(masks) == ("11|10|01", "110|100|010|001")
    assert all(map(is_eligible, representative(masks)))


@pytest.mark.parametrize(
    ("masks", "complaint"),
    [
        (("10|01", "110|011"), "mask1 .*2.*mask2 .*3"),
        (("10|2",), "not a mask"),
    ],
)
def test_invalid_masks_are_refused(masks: Masks, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        representative(masks)


def test_too_regular_network_is_refused_in_time() -> None:
    identity = "|".join("0" * row + "1" + "0" * (15 - row) for row in range(16))
    with pytest.raises(ValueError, match="too regular"):
        representative(("1", "|".join("1" * 16), identity))


@pytest.mark.parametrize(
    ("study", "listed", "distinct"),
    [
        ("phase2-95", 25_992, 12_400),
        ("phase2-995", 63_208, 26_161),
        ("fixed95-phase2", 416, 273),
        ("fixed995-phase2", 23_528, 8_714),
    ],
)
def test_masks_of_the_paper_have_known_numbers_of_networks(
    study: str, listed: int, distinct: int
) -> None:
    grid = LISTED_MASKS[study].grid()
    assert grid.size == listed
    networks = [grid[index]["masks"] for index in range(grid.size)]
    first = without_renamings(networks)
    assert len(first) == distinct
    assert set(first) <= set(networks)


@given(networks(widest=3))
def test_networks_have_the_same_form_exactly_if_renaming_hidden_neurons_makes_them_equal(
    masks: Masks,
) -> None:
    outputs = range(masks[-1].count("|") + 1)
    orders = product(*(permutations(range(mask.count("|") + 1)) for mask in masks[:-1]))
    same = {renamed(masks, (*order, outputs)) for order in orders}
    # The form is one of the renamed networks, so networks that are not the same differ in it.
    assert {network_form(other) for other in same} <= same
    assert len({network_form(other) for other in same}) == 1
