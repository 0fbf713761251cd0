"""A problem of a store, with advice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from storage.errors import StoreDamaged

FROM_A_COPY = "restore that file from a copy of the store, or start another store"


@dataclass(frozen=True)
class StoreFinding:
    """Something that is wrong with a store, or a file that it does not need; and what to do."""

    file: str
    problem: str
    advice: str

    @classmethod
    def of(cls, damage: StoreDamaged) -> Self:
        """Return an error as a problem, with its advice as part of a line and not as a sentence."""
        advice = damage.advice.rstrip(".") or FROM_A_COPY
        return cls(str(damage.file), damage.problem, advice[0].lower() + advice[1:])

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"
