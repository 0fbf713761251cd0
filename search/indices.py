"""Sets of indices into a study, stored as intervals."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter


@dataclass(frozen=True)
class IndexSet:
    """A set of non-negative integers as sorted, disjoint, non-adjacent half-open intervals."""

    intervals: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, intervals: Iterable[Sequence[int]]) -> IndexSet:
        """Return the union of half-open intervals (start, stop), in any order, overlapping or not.

        A ValueError unless they are pairs of integers with 0 <= start <= stop.
        """
        merged: list[tuple[int, int]] = []
        for interval in sorted(tuple(pair) for pair in intervals):
            if len(interval) != 2 or not 0 <= interval[0] <= interval[1]:
                raise ValueError(f"not a half-open interval of indices: {interval}")
            start, stop = interval
            if start == stop:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
            else:
                merged.append((start, stop))
        return cls(tuple(merged))

    @classmethod
    def from_range(cls, indices: range) -> IndexSet:
        """Return the indices of a range with a positive step."""
        if indices.step == 1:
            return cls.of([(indices.start, max(indices.start, indices.stop))])
        return cls(tuple((index, index + 1) for index in indices))

    @classmethod
    def from_indices(cls, indices: Iterable[int]) -> IndexSet:
        """Return the set of some indices, in any order."""
        return cls.of((index, index + 1) for index in indices)

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.intervals)

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __iter__(self) -> Iterator[int]:
        for start, stop in self.intervals:
            yield from range(start, stop)

    def __or__(self, other: IndexSet) -> IndexSet:
        few, many = sorted((self.intervals, other.intervals), key=len)
        if not few:
            return IndexSet(many)
        # Only intervals between the first and the last of the few, or touching them, can change:
        # adding a task to a set of a million intervals takes the time of a copy.
        first = bisect_left(many, few[0][0], key=itemgetter(1))
        last = bisect_right(many, few[-1][1], key=itemgetter(0))
        merged = IndexSet.of([*many[first:last], *few])
        return IndexSet((*many[:first], *merged.intervals, *many[last:]))

    def __sub__(self, other: IndexSet) -> IndexSet:
        holes = other.near(self.intervals).intervals
        if not holes:
            return self
        kept: list[tuple[int, int]] = []
        for start, stop in self.intervals:
            for hole in range(bisect_right(holes, start, key=itemgetter(1)), len(holes)):
                if holes[hole][0] >= stop:
                    break
                if start < holes[hole][0]:
                    kept.append((start, holes[hole][0]))
                start = holes[hole][1]
            if start < stop:
                kept.append((start, stop))
        return IndexSet(tuple(kept))

    def __and__(self, other: IndexSet) -> IndexSet:
        return self - (self - other)

    def near(self, intervals: Sequence[tuple[int, int]]) -> IndexSet:
        """Return this set's intervals between the first and the last of some sorted intervals.

        This makes differences and intersections of a large set with a small, local one fast.
        """
        if not intervals:
            return IndexSet()
        first = bisect_right(self.intervals, intervals[0][0], key=itemgetter(1))
        last = bisect_left(self.intervals, intervals[-1][1], key=itemgetter(0))
        return IndexSet(self.intervals[first:last])

    def take(self, count: int) -> tuple[IndexSet, IndexSet]:
        """Return the `count` smallest indices, and the rest."""
        first: list[tuple[int, int]] = []
        for position, (start, stop) in enumerate(self.intervals):
            if stop - start >= count:
                if count:
                    first.append((start, start + count))
                rest = ((start + count, stop),) if start + count < stop else ()
                return IndexSet(tuple(first)), IndexSet(rest + self.intervals[position + 1 :])
            first.append((start, stop))
            count -= stop - start
        return self, IndexSet()

    def pieces(self, count: int) -> Iterator[IndexSet]:
        """Yield the set in parts of `count` intervals, in order."""
        for start in range(0, len(self.intervals), count):
            yield IndexSet(self.intervals[start : start + count])

    def split(self, index: int) -> tuple[IndexSet, IndexSet]:
        """Return the indices below an index, and the others."""
        below = [(start, min(stop, index)) for start, stop in self.intervals if start < index]
        others = [(max(start, index), stop) for start, stop in self.intervals if stop > index]
        return IndexSet(tuple(below)), IndexSet(tuple(others))
