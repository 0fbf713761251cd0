"""A hyperparameter of a pruning algorithm: the authors' value, and what else it may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """A number that an algorithm can be given in a sweep file.

    Attributes:
        default: the authors' value (docs/paper.md, section 5); where it is an int, only whole
            numbers are allowed.
        least: smallest value allowed.
        most: largest value allowed.
        meaning: in a few words.
    """

    default: int | float
    least: int | float
    most: int | float
    meaning: str

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.least} to {self.most}"

    def allows(self, value: object) -> bool:
        """Whether a value is of the right kind and within the bounds."""
        kinds = (int,) if isinstance(self.default, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        return self.least <= value <= self.most

    def canonical(self, value: int | float) -> int | float:
        """An allowed value in the one form that an experiment may have it in.

        Ids are made of JSON, in which 1 and 1.0 differ, and 0.0 and -0.0.
        """
        return value if isinstance(self.default, int) else float(value) + 0.0
