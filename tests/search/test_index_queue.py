from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.index_queue import IndexQueue
from search.indices import IndexSet


@given(st.sets(st.integers(0, 60)), st.lists(st.integers(1, 20)))
def test_an_index_is_handed_out_twice_or_never(members: set[int], counts: list[int]) -> None:
    queue, left = IndexQueue(IndexSet.from_indices(members)), sorted(members)
    for count in counts:
        first = queue.first(count)
        assert list(first) == left[:count]
        assert first == IndexSet.from_indices(left[:count])
        queue.drop(count)
        left = left[count:]
        assert len(queue) == len(left)
