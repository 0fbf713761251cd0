from __future__ import annotations

from itertools import islice

import pytest

from search.masks.sequences import AllMasks, EligibleMasks
from search.masks.text import count_masks, unrank_mask


@pytest.mark.parametrize("nnz", [7, 8, 12, 20, 21])
def test_listed_and_ranked_elements_are_the_same_masks(nnz: int) -> None:
    masks = EligibleMasks(3, 7, nnz)
    places = range(0, len(masks), max(1, len(masks) // 50))
    assert [masks[place] for place in places] == [unrank_mask(3, 7, nnz, place) for place in places]


def test_iteration_of_a_long_sequence_is_in_the_order_of_its_indices() -> None:
    masks = EligibleMasks(3, 7, 12)
    assert len(masks) == 29_008
    listed = list(masks)
    assert len(listed) == len(masks)
    assert listed[20_000:20_050] == [masks[place] for place in range(20_000, 20_050)]


def test_limit_keeps_the_first_masks() -> None:
    masks = EligibleMasks(3, 7, 10, limit=3)
    assert list(masks) == [EligibleMasks(3, 7, 10)[place] for place in range(3)]
    with pytest.raises(IndexError):
        masks[3]


def test_limit_above_the_count_has_no_effect() -> None:
    assert len(EligibleMasks(3, 7, 21, limit=3)) == 1


def test_limits_of_the_same_masks_are_cached_separately() -> None:
    assert len(list(EligibleMasks(3, 6, 9, limit=6))) == 6
    assert EligibleMasks(3, 6, 9)[6] != EligibleMasks(3, 6, 9, limit=6)[5]
    assert EligibleMasks(3, 6, 9, limit=6)[5] == EligibleMasks(3, 6, 9)[5]


def test_sequence_longer_than_memory_is_indexed_and_iterated() -> None:
    masks = EligibleMasks(16, 16, 128)
    assert masks.size == count_masks(16, 16, 128) > 10**62
    last = masks[masks.size - 1]
    assert last.startswith("1" * 16)
    assert len(list(islice(masks, 3))) == 3


def test_all_masks_are_ordered_by_nnz() -> None:
    masks = AllMasks(3, 3)
    listed = [masks[index] for index in range(masks.size)]
    assert listed == [mask for nnz in range(3, 10) for mask in EligibleMasks(3, 3, nnz)]
    assert len(set(listed)) == 57
    with pytest.raises(IndexError, match="57"):
        masks[57]
    with pytest.raises(IndexError, match="57"):
        masks[-1]
