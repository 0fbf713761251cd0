"""Something that is wrong with a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from storage.errors import StoreDamaged

FROM_A_COPY = "take that file from a copy of the store, or begin another store"


@dataclass(frozen=True)
class Problem:
    """Something in a store that is not as it should be.

    Attributes:
        file: path of the file or folder.
        problem: what is wrong with it.
        advice: what to do about it.
    """

    file: str
    problem: str
    advice: str

    @classmethod
    def of(cls, damage: StoreDamaged) -> Self:
        """What an error says, its advice as a part of a line and not as a sentence."""
        advice = damage.advice.rstrip(".") or FROM_A_COPY
        return cls(str(damage.file), damage.problem, advice[0].lower() + advice[1:])

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"
