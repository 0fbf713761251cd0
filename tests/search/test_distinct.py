from __future__ import annotations

import json
import pickle
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.distinct import MAX_NETWORKS, DistinctMasks, check_listed
from search.masks.burnside import count_distinct
from search.masks.distinct_tree import MaskList, distinct_tree
from search.masks.renaming import representative
from search.structure import Structure
from tests.search.renamings import Masks, eligible

LISTED = [
    (2, (1,)),
    (3, (5,)),
    (2, (3, 2, 2)),
    (2, (3, 3, 3)),
    (2, (2, 3, 2, 2)),
    (2, (4, 2, 3)),
    (2, (1, 4, 4)),
    (3, (3, 4)),
    (4, (2, 5)),
]


def all_of(grid: DistinctMasks) -> list[Masks]:
    return [grid[index]["masks"] for index in range(grid.size)]


@pytest.mark.parametrize(("inputs", "structure"), LISTED)
def test_every_network_occurs_once_in_order(inputs: int, structure: tuple[int, ...]) -> None:
    candidates = eligible(inputs, structure)
    expected = [masks for masks in candidates if representative(masks) == masks]
    assert all_of(DistinctMasks(structure, inputs)) == expected
    assert len(expected) == len({representative(masks) for masks in candidates})


@pytest.mark.parametrize(("inputs", "structure"), LISTED)
def test_networks_by_weights_are_all_networks_the_sparsest_first(
    inputs: int, structure: tuple[int, ...]
) -> None:
    grid = DistinctMasks(structure, inputs)
    by_weights = [list(grid.with_weights(weights)) for weights in range(len(grid.counts) + 2)]
    assert [len(networks) for networks in by_weights] == [*grid.counts, 0, 0]
    expected = sorted(all_of(grid), key=lambda masks: sum(mask.count("1") for mask in masks))
    assert [masks for networks in by_weights for masks in networks] == expected


@given(st.integers(1, 3), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_tree_has_as_many_networks_as_burnside(inputs: int, widths: list[int]) -> None:
    structure = tuple(widths)
    count = count_distinct(inputs, structure).networks
    assume(count < 300_000)
    assert distinct_tree(structure, inputs).ends[-1] == count


@pytest.mark.parametrize("structure", [(7, 3, 3), (16, 2, 2), (1, 6, 6), (12, 1, 5, 2), (30, 1)])
def test_networks_of_large_structures_are_representatives(structure: tuple[int, ...]) -> None:
    grid = DistinctMasks(structure, 2)
    assert distinct_tree(structure, 2).ends[-1] == grid.size
    sample = [grid[index]["masks"] for index in range(0, grid.size, max(1, grid.size // 200))]
    assert [representative(masks) for masks in sample] == sample
    assert len(set(sample)) == len(sample)
    dense = tuple("|".join(["1" * cols] * rows) for cols, rows in pairwise((2, *structure)))
    assert grid[grid.size - 1]["masks"] == dense
    assert sum(grid.counts) == grid.size
    assert next(grid.with_weights(len(grid.counts) - 1)) == dense


def test_tree_of_7x3x3_shares_lists() -> None:
    first = distinct_tree((7, 3, 3), 2)
    lists: dict[int, MaskList] = {}
    waiting = [first]
    while waiting:
        listed = waiting.pop()
        lists[id(listed)] = listed
        waiting += [following for following in listed.next_layer if id(following) not in lists]
    assert first.ends[-1] == 8_338_343
    assert sum(len(listed.rows) for listed in lists.values()) == 127_255


def test_grid_pickles_without_its_tree() -> None:
    grid = DistinctMasks((6, 3, 2), 2)
    masks = grid[400_000]
    assert len(pickle.dumps(grid)) < 200
    assert pickle.loads(pickle.dumps(grid))[400_000] == masks


def test_grids_of_different_networks_have_different_definitions() -> None:
    grids = [DistinctMasks(structure, inputs) for structure in ((3,), (3, 2)) for inputs in (2, 3)]
    assert len({json.dumps(grid.definition()) for grid in grids}) == 4
    assert grids[0].values("structure") == {(3,)}
    assert grids[0].values("lr") == frozenset()
    with pytest.raises(ValueError, match="not listed"):
        grids[0].values("masks")


@pytest.mark.parametrize(
    ("structure", "complaint"),
    [
        ((8, 3, 3), "8x3x3 has 29,388,359 distinct networks; allowed: .* up to 10,000,000"),
        ((16, 16, 16), r"16x16x16 has at least about 10\^121 distinct networks"),
        (
            (40, 40),
            r"40x40 is too wide to count .* are at least about 10\^\d+; allowed: .* 10,000,000",
        ),
        ((100_000, 3), "100000x3 .*62"),
        ((62,) * 64, r"about 10\^\d+"),
        ((62, 1), "62x1 .*at least 1"),
    ],
)
def test_structure_with_too_many_networks_is_refused(
    structure: tuple[int, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        check_listed(Structure(structure), 2)


def test_huge_structure_is_refused_without_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(*of: object) -> None:
        pytest.fail("the lower bound says enough, and this would take 16 s")

    monkeypatch.setattr("search.distinct.count_distinct", count)
    with pytest.raises(ValueError, match="at least"):
        check_listed(Structure((16, 16, 16)), 2)


def test_largest_structure_is_accepted() -> None:
    assert 9_000_000 < DistinctMasks((6, 5), 2).size <= MAX_NETWORKS
    check_listed(Structure((6, 5)), 2)
    check_listed(Structure((40, 1)), 2)
