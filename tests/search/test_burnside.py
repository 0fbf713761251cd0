from __future__ import annotations

from itertools import pairwise
from math import factorial, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.masks.burnside import Population, burnside_terms, count_distinct, cycle_types
from search.masks.sequences import AllMasks
from search.masks.space import count_all, count_covering, count_eligible, least_distinct
from tests.search.renamings import Masks, covering, eligible, orbits

SMALL = [
    (1, (3,)),
    (2, (1,)),
    (2, (4,)),
    (3, (3,)),
    (2, (2, 2)),
    (2, (3, 2)),
    (2, (2, 3)),
    (3, (2, 2)),
    (1, (3, 3)),
    (2, (1, 3, 2)),
    (2, (2, 2, 2)),
    (1, (2, 1, 2, 2)),
]


def population(networks: list[Masks]) -> Population:
    return Population(len(networks), sum("".join(masks).count("1") for masks in networks))


@pytest.mark.parametrize(("inputs", "structure"), SMALL)
def test_burnside_agrees_with_brute_force(inputs: int, structure: tuple[int, ...]) -> None:
    one_each = [next(iter(orbit)) for orbit in orbits(covering(inputs, structure))]
    assert count_distinct(inputs, structure) == population(one_each)


@pytest.mark.parametrize(("inputs", "structure"), SMALL)
def test_closed_forms_agree_with_brute_force(inputs: int, structure: tuple[int, ...]) -> None:
    assert count_covering(inputs, structure) == population(covering(inputs, structure))
    assert count_eligible(inputs, structure) == population(eligible(inputs, structure))
    weights = sum(rows * cols for cols, rows in pairwise((inputs, *structure)))
    total = sum(bits.bit_count() for bits in range(1 << weights))
    assert count_all(inputs, structure) == Population(1 << weights, total)


@pytest.mark.parametrize(
    ("structure", "distinct"),
    [
        ((3, 3, 3), 12_400),
        ((7, 3, 3), 8_338_343),
        ((3, 2, 2), 273),
        ((6, 3, 2), 492_566),
    ],
)
def test_structures_of_the_paper_have_known_numbers_of_networks(
    structure: tuple[int, ...], distinct: int
) -> None:
    assert count_distinct(2, structure).networks == distinct


def test_eligible_masks_agree_with_the_paper() -> None:
    assert count_eligible(2, (3, 3, 3)).networks == 25_992
    assert count_eligible(2, (3, 2, 2)).networks == 416
    # All masks of 7x3x3, of which the paper lists 63,208.
    assert count_eligible(2, (7, 3, 3)).networks == 34 * 137_257 * 57
    assert count_eligible(16, (7,)).networks == AllMasks(7, 16).size


def test_binary_matrices_up_to_permutations_agree_with_oeis() -> None:
    # After one neuron all neurons of a layer are equal, so the rows and columns of a square layer
    # can be permuted freely: OEIS A054976, matrices without zero rows and columns.
    counts = [count_distinct(1, (1, n, n)).networks for n in range(1, 7)]
    assert counts == [1, 3, 17, 179, 3835, 200_082]


def test_single_layer_has_as_many_networks_as_eligible_masks() -> None:
    for inputs in range(1, 6):
        assert count_distinct(inputs, (5,)) == count_eligible(inputs, (5,))


@given(st.integers(1, 4), st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_counts_are_ordered(inputs: int, widths: list[int]) -> None:
    structure = tuple(widths)
    distinct = count_distinct(inputs, structure)
    eligible_masks, masks = count_eligible(inputs, structure), count_covering(inputs, structure)
    assert least_distinct(inputs, structure) <= distinct.networks <= eligible_masks.networks
    assert eligible_masks.networks <= masks.networks <= count_all(inputs, structure).networks
    layers = list(pairwise((inputs, *structure)))
    fewest, most = sum(max(layer) for layer in layers), sum(prod(layer) for layer in layers)
    assert fewest * distinct.networks <= distinct.weights <= most * distinct.networks


def test_wide_structure_is_counted_fast() -> None:
    wide = (12, 12, 12)
    distinct = count_distinct(2, wide).networks
    # Nearly all networks of this width have no symmetry.
    per_renaming = count_covering(2, wide).networks / factorial(12) ** 3
    assert distinct > per_renaming
    assert distinct == pytest.approx(per_renaming, rel=0.5)


def test_sum_with_too_many_terms_is_refused() -> None:
    assert burnside_terms(2, (16, 16, 16)) == 2_711_277
    with pytest.raises(ValueError, match="allowed: "):
        count_distinct(2, (40, 40))


@pytest.mark.parametrize("size", range(1, 9))
def test_cycle_types_are_the_partitions(size: int) -> None:
    types = cycle_types(size)
    assert len(set(types)) == len(types) == [1, 2, 3, 5, 7, 11, 15, 22][size - 1]
    assert all(sum(length * many for length, many in cycles) == size for cycles in types)
