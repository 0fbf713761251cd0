"""Splitting a study among independent machines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from search.indices import IndexSet
from search.splitmix import GAMMA

BLOCKS: Final = 4096
"""Minimum number of blocks of a large study in each shard; there are less than twice as many, so a
shard of any study is a few thousand intervals."""

_SHARD = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Shard:
    """One of several disjoint parts of a study.

    Attributes:
        number: number of the part, from 1.
        count: number of parts.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that a text describes: 3/16 is the third of sixteen.

        A ValueError if the text has another form, or not 1 <= number <= count.
        """
        match = _SHARD.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a shard: write 3/16 for the third of sixteen")
        number, count = int(match[1]), int(match[2])
        if not 1 <= number <= count:
            raise ValueError(f"there is no shard {text}; allowed: 1/{count} to {count}/{count}")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def indices(self, size: int) -> IndexSet:
        """Return the indices of this shard in a study.

        They depend only on the study's size and the number of shards, not on what is stored or
        selected. The study is cut into short blocks of consecutive indices, and of each run of
        `count` blocks every shard gets one. Which one changes from run to run by a step that fits
        no period of a grid: with a fixed stride a shard could get the same learning rate or width
        throughout.
        """
        block = max(1, size // (self.count * BLOCKS))
        found = []
        for run in range(-(-size // (block * self.count))):
            turn = (run * GAMMA % 2**64) * self.count >> 64
            position = run * self.count + (self.number - 1 + turn) % self.count
            start = position * block
            if start < size:
                found.append((start, min(start + block, size)))
        return IndexSet.of(found)
