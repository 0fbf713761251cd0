"""Indices that are handed out from the smallest up, a few at a time."""

from __future__ import annotations

from collections import deque

from search.indices import IndexSet


class IndexQueue:
    """A set of indices that shrinks from its beginning.

    `IndexSet.take` copies what is left. That is nothing for a study with few gaps, and squares for
    one with many: a hundred million experiments of which a million are stored.

    Args:
        indices: what it holds at first.
    """

    def __init__(self, indices: IndexSet) -> None:
        self._intervals = deque(indices.intervals)
        self._count = len(indices)

    def __len__(self) -> int:
        return self._count

    def first(self, count: int) -> IndexSet:
        """The `count` smallest indices, or all where there are fewer; they stay."""
        found: list[tuple[int, int]] = []
        for start, stop in self._intervals:
            if count <= 0:
                break
            found.append((start, min(stop, start + count)))
            count -= stop - start
        return IndexSet(tuple(found))

    def drop(self, count: int) -> None:
        """Takes out the `count` smallest indices, or all where there are fewer."""
        self._count -= min(count, self._count)
        while self._intervals and count > 0:
            start, stop = self._intervals.popleft()
            if stop - start > count:
                self._intervals.appendleft((start + count, stop))
            count -= stop - start
