from __future__ import annotations

from itertools import combinations, islice, pairwise, product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from search.masks.text import (
    count_masks,
    dense_mask,
    is_eligible,
    parse_mask,
    rank_mask,
    rows_text,
    unrank_mask,
)
from search.masks.walk import walk_rows

SMALL_LAYERS = [
    (1, 1),
    (1, 4),
    (4, 1),
    (2, 2),
    (2, 3),
    (3, 2),
    (2, 5),
    (5, 2),
    (3, 3),
    (3, 4),
    (4, 3),
]


def eligible_by_definition(mask: NDArray[np.bool_]) -> bool:
    if not (mask.any(axis=0).all() and mask.any(axis=1).all()):
        return False
    for upper, lower in pairwise(mask):
        if upper.sum() < lower.sum():
            return False
        if upper.sum() == lower.sum() and upper.tolist() < lower.tolist():
            return False
    return True


def order_by_definition(mask: NDArray[np.bool_]) -> tuple[object, ...]:
    """Return row counts from the top, then the rows' ranks among combinations from the bottom."""
    counts = [int(row.sum()) for row in mask]
    ranks = [
        list(combinations(range(len(row)), count)).index(tuple(np.flatnonzero(row).tolist()))
        for row, count in zip(mask, counts, strict=True)
    ]
    return tuple(counts), tuple(reversed(ranks))


def format_mask(mask: NDArray[np.bool_]) -> str:
    """Return the text of a mask, bool [outputs, inputs]."""
    return "|".join("".join("1" if kept else "0" for kept in row) for row in mask.tolist())


def masks_by_brute_force(rows: int, cols: int) -> dict[int, list[str]]:
    found: dict[int, list[NDArray[np.bool_]]] = {}
    for bits in product([False, True], repeat=rows * cols):
        mask = np.array(bits).reshape(rows, cols)
        if eligible_by_definition(mask):
            found.setdefault(int(mask.sum()), []).append(mask)
    return {
        nnz: [format_mask(mask) for mask in sorted(masks, key=order_by_definition)]
        for nnz, masks in found.items()
    }


@pytest.mark.parametrize(("rows", "cols"), SMALL_LAYERS)
def test_walk_yields_every_eligible_mask_in_order(rows: int, cols: int) -> None:
    expected = masks_by_brute_force(rows, cols)
    for nnz in range(rows * cols + 2):
        walked = [rows_text(mask, cols) for mask in walk_rows(rows, cols, nnz)]
        assert walked == expected.get(nnz, [])


@pytest.mark.parametrize(("rows", "cols"), SMALL_LAYERS)
def test_ranks_agree_with_the_brute_force_list(rows: int, cols: int) -> None:
    expected = masks_by_brute_force(rows, cols)
    for nnz in range(-1, rows * cols + 2):
        masks = expected.get(nnz, [])
        assert count_masks(rows, cols, nnz) == len(masks)
        assert [unrank_mask(rows, cols, nnz, index) for index in range(len(masks))] == masks
        assert [rank_mask(mask) for mask in masks] == list(range(len(masks)))


@pytest.mark.parametrize(
    ("rows", "cols", "total"),
    [
        (3, 2, 8),
        (2, 2, 4),
        (2, 3, 13),
        (3, 3, 57),
        (7, 2, 34),
        (6, 2, 26),
        (3, 6, 19_608),
        (3, 7, 137_257),
    ],
)
def test_counts_over_all_nnz_agree_with_the_paper(rows: int, cols: int, total: int) -> None:
    assert sum(count_masks(rows, cols, nnz) for nnz in range(rows * cols + 1)) == total
    assert sum(1 for nnz in range(1, rows * cols + 1) for _ in walk_rows(rows, cols, nnz)) == total


@st.composite
def positions(draw: st.DrawFn, widest: int) -> tuple[int, int, int, int]:
    """Draw a layer, a number of nonzeros, and the index of a mask."""
    rows, cols = draw(st.integers(1, widest)), draw(st.integers(1, widest))
    nnz = draw(st.integers(max(rows, cols), rows * cols))
    return rows, cols, nnz, draw(st.integers(0, count_masks(rows, cols, nnz) - 1))


@given(positions(widest=16))
@example((16, 16, 128, 10**62))
def test_unranked_masks_are_eligible_and_rank_back(position: tuple[int, int, int, int]) -> None:
    rows, cols, nnz, index = position
    text = unrank_mask(rows, cols, nnz, index)
    mask = parse_mask(text)
    assert mask.shape == (rows, cols)
    assert mask.sum() == nnz
    assert eligible_by_definition(mask)
    assert rank_mask(text) == index


@given(positions(widest=8))
def test_neighbouring_indices_have_neighbouring_masks(position: tuple[int, int, int, int]) -> None:
    rows, cols, nnz, index = position
    assume(index + 1 < count_masks(rows, cols, nnz))
    first, second = (parse_mask(unrank_mask(rows, cols, nnz, index + step)) for step in (0, 1))
    assert order_by_definition(first) < order_by_definition(second)


@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_ranking_and_walking_agree_on_the_first_masks(
    rows: int, cols: int, data: st.DataObject
) -> None:
    nnz = data.draw(st.integers(max(rows, cols), rows * cols))
    walked = [rows_text(mask, cols) for mask in islice(walk_rows(rows, cols, nnz), 50)]
    first = range(min(50, count_masks(rows, cols, nnz)))
    assert walked == [unrank_mask(rows, cols, nnz, index) for index in first]


@given(st.lists(st.integers(0, 1), min_size=12, max_size=12), st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_eligibility_agrees_with_the_definition(bits: list[int], rows: int) -> None:
    mask = np.array(bits, dtype=bool).reshape(rows, -1)
    assert is_eligible(format_mask(mask)) == eligible_by_definition(mask)


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_text_round_trip_keeps_the_mask(rows: int, cols: int, data: st.DataObject) -> None:
    bits = data.draw(st.lists(st.booleans(), min_size=rows * cols, max_size=rows * cols))
    mask = np.array(bits).reshape(rows, cols)
    parsed = parse_mask(format_mask(mask))
    assert parsed.dtype == np.bool_
    np.testing.assert_array_equal(parsed, mask)


def test_rows_of_the_text_are_outputs() -> None:
    expected = [[True, False], [False, True], [True, True]]
    np.testing.assert_array_equal(parse_mask("10|01|11"), expected)
    assert dense_mask(3, 2) == "11|11|11"


@pytest.mark.parametrize("text", ["", "|", "10|", "|10", "10||01", "10|1", "12", "10 01", "1|0\n"])
def test_malformed_mask_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a mask"):
        parse_mask(text)


@pytest.mark.parametrize("text", ["00|11", "10|10", "01|10", "10|11"])
def test_ineligible_mask_has_no_rank(text: str) -> None:
    with pytest.raises(ValueError, match="not eligible"):
        rank_mask(text)


@pytest.mark.parametrize("index", [-1, 18])
def test_index_outside_of_the_order_has_no_mask(index: int) -> None:
    assert count_masks(3, 3, 5) == 18
    with pytest.raises(IndexError, match="18 masks with 5"):
        unrank_mask(3, 3, 5, index)


def test_layer_too_large_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        count_masks(23, 23, 100)
    with pytest.raises(ValueError, match="at least one row"):
        count_masks(0, 3, 1)
