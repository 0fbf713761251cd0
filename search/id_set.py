"""Sets of experiment ids, 16 bytes each: of as many experiments as a store has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

ID_BYTES = 16

# NumPy takes zeros at the end of such a string for padding. All are of one length, so two of them
# are equal, and sort, as their 16 bytes do.
_ID = np.dtype(f"S{ID_BYTES}")


class IdSet:
    """A set of ids, sorted in one array: a Python set of them takes seven times the memory.

    Args:
        ids: the bytes of all of them, one id behind the other, in any order.
    """

    def __init__(self, ids: bytes = b"") -> None:
        self._sorted = np.unique(np.frombuffer(ids, _ID))

    @classmethod
    def of_hex(cls, ids: Iterable[str]) -> IdSet:
        """The set of ids that are written as 32 hexadecimal digits each."""
        return cls(bytes.fromhex("".join(ids)))

    def __len__(self) -> int:
        return len(self._sorted)

    def __iter__(self) -> Iterator[bytes]:
        return (one.ljust(ID_BYTES, b"\0") for one in self._sorted.tolist())

    def __sub__(self, other: IdSet) -> IdSet:
        left = IdSet()
        left._sorted = self._sorted[~other._has(self._sorted)]
        return left

    def has(self, ids: bytes) -> NDArray[np.bool_]:
        """Which of some ids are in the set.

        Args:
            ids: the bytes of n ids, one behind the other.

        Returns:
            bool [n].
        """
        return self._has(np.frombuffer(ids, _ID))

    def _has(self, ids: NDArray[np.bytes_]) -> NDArray[np.bool_]:
        if not len(self._sorted):
            return np.zeros(len(ids), np.bool_)
        places = np.searchsorted(self._sorted, ids)
        found: NDArray[np.bool_] = self._sorted[np.minimum(places, len(self._sorted) - 1)] == ids
        return found
