"""Splitting studies among machines that know nothing of each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from search.indices import IndexSet

BLOCKS: Final = 4096
"""Blocks of a large study that each shard gets: as many, up to twice as many. So a shard of a study
of any size is a few thousand intervals."""

_ROTATION: Final = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio, whose multiples are spread most evenly."""

_SHARD = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Shard:
    """One of several disjoint parts that together are the whole.

    Attributes:
        number: which one, from 1.
        count: how many there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard as it is written: 3/16 is the third of sixteen.

        Raises:
            ValueError: the text has another form, or not 1 <= number <= count.
        """
        match = _SHARD.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no shard: write 3/16 for the third of sixteen")
        number, count = int(match[1]), int(match[2])
        if not 1 <= number <= count:
            raise ValueError(
                f"there is no shard {text}: of {count} there are 1/{count} to {count}/{count}"
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def indices(self, size: int) -> IndexSet:
        """The indices of this shard in a study.

        They follow from the study's size and the number of shards alone, so they stay the same
        whatever is stored or asked for. The study is cut into short blocks of consecutive indices,
        and each run of `count` blocks gives every shard one. Neighbours cost about the same, while
        the axes of a grid repeat: so who gets which block of a run moves on from run to run, by a
        step that no period of a grid fits. A fixed stride would give the third of sixteen shards
        the same learning rate or width throughout.

        Args:
            size: experiments of the study.
        """
        block = max(1, size // (self.count * BLOCKS))
        found = []
        for run in range(-(-size // (block * self.count))):
            turn = (run * _ROTATION % 2**64) * self.count >> 64
            place = run * self.count + (self.number - 1 + turn) % self.count
            start = place * block
            if start < size:
                found.append((start, min(start + block, size)))
        return IndexSet.of(found)
