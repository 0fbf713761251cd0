"""The hyperparameters of pruning algorithms."""

from __future__ import annotations

from dataclasses import dataclass

Value = int | float | str
"""The value of a hyperparameter: a number, or one of a few words."""


@dataclass(frozen=True)
class Setting:
    """A hyperparameter, which sweep files can set.

    Attributes:
        default: for the paper's methods the authors' value (docs/paper.md, section 5); if it is an
            int, only whole numbers are allowed.
        least: smallest allowed value of a number.
        most: largest allowed value of a number.
        meaning: meaning in a few words.
        choices: the allowed words; empty if the value is a number.

    Example:
        >>> import sparsest
        >>> rounds = sparsest.Setting(100, 1, 1000, "rounds of pruning")
        >>> rounds.allows(5), rounds.allows(0.5)
        (True, False)
        >>> sparsest.Setting("fixed", choices=("fixed", "relative")).allows("relative")
        True
    """

    default: Value
    least: int | float = 0
    most: int | float = 0
    meaning: str = ""
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """Description of the allowed values."""
        if self.choices:
            return ", ".join(map(repr, self.choices))
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{kind} from {self.least} to {self.most}"

    def allows(self, value: object) -> bool:
        """Return whether a value has the right type and is allowed."""
        if self.choices:
            return isinstance(value, str) and value in self.choices
        kinds = (int,) if isinstance(self.default, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        return self.least <= value <= self.most

    def canonical(self, value: Value) -> Value:
        """Return an allowed value in its only form in an experiment.

        Ids are hashes of JSON, in which 1 and 1.0 differ, and 0.0 and -0.0.
        """
        if isinstance(value, str) or isinstance(self.default, int):
            return value
        return float(value) + 0.0
