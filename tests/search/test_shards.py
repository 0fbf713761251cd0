from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.indices import IndexSet
from search.paper import PAPER_STUDIES, paper_study
from search.parts import BLOCKS, Shard


@given(size=st.integers(0, 5_000), count=st.integers(1, 40))
def test_every_experiment_is_in_one_shard(size: int, count: int) -> None:
    shards = [Shard(number + 1, count).indices(size) for number in range(count)]
    assert sorted(chain.from_iterable(shards)) == list(range(size))
    # In the last run of blocks some shards can get one block less.
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("size", [10**6 + 7, 10**8 + 1, 10**12 + 3])
def test_shards_of_large_studies_are_disjoint_and_small(size: int) -> None:
    shards = [Shard(number + 1, 16).indices(size) for number in range(16)]
    union = IndexSet.of(chain.from_iterable(shard.intervals for shard in shards))
    assert union.intervals == ((0, size),)
    assert sum(map(len, shards)) == size
    assert max(len(shard.intervals) for shard in shards) <= 2 * BLOCKS
    assert max(map(len, shards)) / min(map(len, shards)) < 1.001


@pytest.mark.parametrize("name", PAPER_STUDIES)
@pytest.mark.parametrize("count", [3, 16])
def test_every_shard_has_every_value_of_an_axis(name: str, count: int) -> None:
    study = paper_study(name)
    for number in (1, count):
        updates = [study.updates(i) for i in Shard(number, count).indices(len(study))]
        for field in ("method", "width", "lr", "schedule", "target_nnz", "replicate"):
            values = study.values(field)
            if len(values) > 1:
                assert {update[field] for update in updates} == values


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("3", "3/16"),
        ("0/16", "1/16 to 16/16"),
        ("17/16", "no shard 17/16"),
        ("1/0", "no shard"),
        ("-1/4", "is not a shard"),
        ("1/2/3", "is not a shard"),
        ("1/9999999999", "is not a shard"),
    ],
)
def test_invalid_shard_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Shard.parse(text)


def test_shard_text_round_trip() -> None:
    assert Shard.parse("3/16") == Shard(3, 16)
    assert str(Shard.parse("03/16")) == "3/16"
