"""Parts of a set of experiments: random samples, and shards for independent machines.

Neither lists the set. A sample of size N is the first N members of a random permutation, so that a
larger sample contains every smaller one. The permutation is a Feistel network of `ROUNDS` rounds
over the numbers of an even number of bits; numbers outside of the set are permuted again until they
are inside (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.indices import IndexSet
from search.splitmix import GAMMA, mix

ROUNDS = 6
"""Rounds of the Feistel network."""

BLOCKS: Final = 4096
"""Minimum number of blocks of a large study in each shard; there are less than twice as many, so a
shard of any study is a few thousand intervals."""

_SHARD = re.compile(r"(\d{1,9})/(\d{1,9})")


def sample_positions(size: int, count: int, root_seed: int) -> NDArray[np.uint64]:
    """Return the first members of a random permutation of 0 to size - 1, uint64 [count].

    The size is from 1 to 2^63, the count from 0 to the size.
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    digest = hashlib.blake2b(f"{root_seed}/sample".encode(), digest_size=8 * ROUNDS).digest()
    keys = np.frombuffer(digest, "<u8").astype(np.uint64)
    values = _permuted(np.arange(count, dtype=np.uint64), keys, half)
    while (outside := np.flatnonzero(values >= size)).size:
        values[outside] = _permuted(values[outside], keys, half)
    return values


def members_at(indices: IndexSet, positions: Iterable[int]) -> IndexSet:
    """Return the members of a set at some positions, counted from 0 in ascending order."""
    starts = [start for start, _ in indices.intervals]
    before = list(accumulate((stop - start for start, stop in indices.intervals), initial=0))
    found = np.sort(np.fromiter(positions, np.int64))
    intervals = np.searchsorted(before, found, side="right") - 1
    members = np.asarray(starts, np.int64)[intervals] + found - np.asarray(before)[intervals]
    return IndexSet.from_indices(members.tolist())


def _permuted(
    values: NDArray[np.uint64], keys: NDArray[np.uint64], half: int
) -> NDArray[np.uint64]:
    """Apply the Feistel network to numbers of 2 * half bits."""
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = values >> bits, values & mask
    for key in keys:
        left, right = right, left ^ (mix(right ^ key) & mask)
    return (left << bits) | right


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
