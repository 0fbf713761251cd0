"""A random part of a set of experiments, without listing the set.

The sample of size N is the first N members of a random permutation, so that a larger sample
contains every smaller one. The permutation is a Feistel network of `ROUNDS` rounds over the numbers
of an even number of bits; numbers outside of the set are permuted again until they are inside
(Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from search.indices import IndexSet
from search.splitmix import mix

ROUNDS = 6
"""Rounds of the Feistel network."""


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
