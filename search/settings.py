"""The hyperparameters of pruning algorithms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """A hyperparameter, which sweep files can set.

    Attributes:
        default: the authors' value (docs/paper.md, section 5); if it is an int, only whole numbers
            are allowed.
        least: smallest allowed value.
        most: largest allowed value.
        meaning: meaning in a few words.
    """

    default: int | float
    least: int | float
    most: int | float
    meaning: str

    @property
    def allowed(self) -> str:
        """Description of the allowed values."""
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.least} to {self.most}"

    def allows(self, value: object) -> bool:
        """Return whether a value has the right type and is within the limits."""
        kinds = (int,) if isinstance(self.default, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        return self.least <= value <= self.most

    def canonical(self, value: int | float) -> int | float:
        """Return an allowed value in its only form in an experiment.

        Ids are hashes of JSON, in which 1 and 1.0 differ, and 0.0 and -0.0.
        """
        return value if isinstance(self.default, int) else float(value) + 0.0
