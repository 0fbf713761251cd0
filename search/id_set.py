"""Sets of experiment ids with 16 bytes per id, for all the experiments of a store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

ID_BYTES = 16

_ID = np.dtype(f"V{ID_BYTES}")
"""NumPy compares this type byte by byte; a string type would ignore zeros at the end."""


class IdSet:
    """An immutable set of ids in one sorted array, a seventh of the memory of a Python set.

    Args:
        ids: concatenated bytes of the ids, in any order.
    """

    def __init__(self, ids: bytes = b"") -> None:
        self._ids = np.unique(np.frombuffer(ids, _ID))

    @classmethod
    def of_hex(cls, ids: Iterable[str]) -> IdSet:
        """Return the set of ids that are written as 32 hexadecimal digits each."""
        return cls(bytes.fromhex("".join(ids)))

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[bytes]:
        return (one.tobytes() for one in self._ids)

    def __sub__(self, other: IdSet) -> IdSet:
        difference = IdSet()
        difference._ids = self._ids[~other._has(self._ids)]
        return difference

    def has(self, ids: bytes) -> NDArray[np.bool_]:
        """Return which of n ids, given as concatenated bytes, are in the set: bool [n]."""
        return self._has(np.frombuffer(ids, _ID))

    def _has(self, ids: NDArray[np.void]) -> NDArray[np.bool_]:
        if len(self._ids) == 0:
            return np.zeros(len(ids), np.bool_)
        positions = np.searchsorted(self._ids, ids).clip(max=len(self._ids) - 1)
        found: NDArray[np.bool_] = self._ids[positions] == ids
        return found
