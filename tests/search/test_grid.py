from __future__ import annotations

import json
import pickle
from itertools import product

import pytest

from search.grid import Chain, Grid, MaskedStructure, Product, Replicates, Table, axis
from search.masks.sequences import AllMasks, EligibleMasks

SCHEDULES = axis("schedule", "cosine", "step")
SIZES = Table(("width", "target_nnz"), ((3, 15), (3, 16), (16, 30)))
MASKED = MaskedStructure((2, 3), (EligibleMasks(2, 2, 3), AllMasks(3, 2), ("1", "0")))

EXAMPLES: list[Grid] = [
    SCHEDULES,
    SIZES,
    Replicates(3),
    MASKED,
    Product((SCHEDULES, SIZES)),
    Chain((SIZES, Table(("width", "target_nnz"), ()), Table(("width", "target_nnz"), ((5, 5),)))),
    Product((Replicates(2), SCHEDULES, Chain((MASKED, MASKED)))),
]


@pytest.mark.parametrize("grid", EXAMPLES)
def test_values_are_those_that_occur(grid: Grid) -> None:
    updates = [grid[index] for index in range(grid.size)]
    for field in ("schedule", "width", "target_nnz", "replicate", "structure", "lr"):
        assert grid.values(field) == {update[field] for update in updates if field in update}


@pytest.mark.parametrize("grid", EXAMPLES)
def test_used_grids_pickle_like_fresh_ones(grid: Grid) -> None:
    copy = pickle.loads(pickle.dumps(grid))
    assert copy == grid
    assert [copy[index] for index in range(copy.size)] == [grid[i] for i in range(grid.size)]
    assert pickle.dumps(copy) == pickle.dumps(pickle.loads(pickle.dumps(copy)))


def test_different_grids_have_different_definitions() -> None:
    texts = {json.dumps(grid.definition()) for grid in EXAMPLES}
    assert len(texts) == len(EXAMPLES)


def test_first_part_of_a_product_is_the_slowest() -> None:
    grid = Product((SCHEDULES, SIZES))
    expected = [
        {"schedule": schedule, "width": width, "target_nnz": target}
        for schedule, (width, target) in product(("cosine", "step"), SIZES.rows)
    ]
    assert [grid[index] for index in range(grid.size)] == expected


def test_masks_of_the_first_layer_are_the_slowest() -> None:
    first, third = list(EligibleMasks(2, 2, 3)), ("1", "0")
    second = [mask for nnz in range(3, 7) for mask in EligibleMasks(3, 2, nnz)]
    expected = [{"structure": (2, 3), "masks": masks} for masks in product(first, second, third)]
    assert [MASKED[index] for index in range(MASKED.size)] == expected


def test_empty_parts_of_a_chain_have_no_index() -> None:
    chain = Chain((axis("lr"), axis("lr", 1.0), axis("lr"), axis("lr", 2.0, 3.0), axis("lr")))
    assert [chain[index]["lr"] for index in range(chain.size)] == [1.0, 2.0, 3.0]


def test_grids_far_beyond_memory_are_indexed() -> None:
    layers = tuple(AllMasks(8, 8) for _ in range(3))
    grid = Product((Replicates(10**9), MaskedStructure((8, 8, 8), layers)))
    assert grid.size > 10**50
    last = grid[grid.size - 1]
    assert last["replicate"] == 10**9 - 1
    assert last["masks"] == ("|".join(["1" * 8] * 8),) * 3
