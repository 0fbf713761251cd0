"""Sets of indices into a study, kept as intervals so that their size is that of their gaps."""

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
        """The union of half-open intervals (start, stop) given in any order, overlaps allowed.

        Raises:
            ValueError: an interval is not a pair of integers with 0 <= start <= stop.
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
        """The indices of a range with a positive step."""
        if indices.step == 1:
            return cls.of([(indices.start, max(indices.start, indices.stop))])
        return cls.from_indices(indices)

    @classmethod
    def from_indices(cls, indices: Iterable[int]) -> IndexSet:
        """The set of single indices given in any order."""
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
        # Only what lies between the first and the last of the few can change: a set of a million
        # intervals takes in a task's in the time of a copy. What they touch is merged too.
        first = bisect_left(many, few[0][0], key=itemgetter(1))
        last = bisect_right(many, few[-1][1], key=itemgetter(0))
        merged = IndexSet.of([*many[first:last], *few])
        return IndexSet((*many[:first], *merged.intervals, *many[last:]))

    def __sub__(self, other: IndexSet) -> IndexSet:
        meeting = other.near(self.intervals).intervals
        if not meeting:
            return self
        kept: list[tuple[int, int]] = []
        removed = iter(meeting)
        hole = next(removed, None)
        for start, stop in self.intervals:
            while hole is not None and hole[1] <= start:
                hole = next(removed, None)
            while hole is not None and hole[0] < stop:
                if start < hole[0]:
                    kept.append((start, hole[0]))
                start = hole[1]
                if start >= stop:
                    break
                hole = next(removed, None)
            if start < stop:
                kept.append((start, stop))
        return IndexSet(tuple(kept))

    def __and__(self, other: IndexSet) -> IndexSet:
        return self - (self - other)

    def near(self, intervals: Sequence[tuple[int, int]]) -> IndexSet:
        """Its intervals between the first and the last of some sorted ones.

        A large set meets many small ones that each lie in one place: their differences and
        intersections take the time of the small ones.
        """
        if not intervals:
            return IndexSet()
        first = bisect_right(self.intervals, intervals[0][0], key=itemgetter(1))
        last = bisect_left(self.intervals, intervals[-1][1], key=itemgetter(0))
        return IndexSet(self.intervals[first:last])

    def take(self, count: int) -> tuple[IndexSet, IndexSet]:
        """Splits off the `count` smallest indices: (those, the rest)."""
        first: list[tuple[int, int]] = []
        for position, (start, stop) in enumerate(self.intervals):
            if stop - start >= count:
                if count:
                    first.append((start, start + count))
                begun = ((start + count, stop),) if start + count < stop else ()
                return IndexSet(tuple(first)), IndexSet(begun + self.intervals[position + 1 :])
            first.append((start, stop))
            count -= stop - start
        return self, IndexSet()

    def pieces(self, count: int) -> Iterator[IndexSet]:
        """Yields the set in parts of so many intervals, in order."""
        for start in range(0, len(self.intervals), count):
            yield IndexSet(self.intervals[start : start + count])

    def split(self, index: int) -> tuple[IndexSet, IndexSet]:
        """Splits at an index: (those below, the others)."""
        below = [(start, min(stop, index)) for start, stop in self.intervals if start < index]
        others = [(max(start, index), stop) for start, stop in self.intervals if stop > index]
        return IndexSet(tuple(below)), IndexSet(tuple(others))

    def to_json(self) -> list[list[int]]:
        """The intervals as lists, the form kept in the store's log."""
        return [list(interval) for interval in self.intervals]
