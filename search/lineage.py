"""Initialisations that are the network of another row, the parent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

ROW_INIT_FORMAT = "'row:ID' or 'row:ID/final' with an experiment_id of 32 hexadecimal digits"
"""Description of the text that `RowInit.parse` accepts."""

ROW_INIT = "row"
"""Name of all initialisations of this kind, before the colon."""

_TEXT = re.compile(rf"{ROW_INIT}:(?P<id>[0-9a-f]{{32}})(?P<final>/final)?")


@dataclass(frozen=True)
class RowInit:
    """Value of `Experiment.init` for a network that starts from another row's weights.

    Attributes:
        experiment_id: id of the parent.
        final: whether training starts from the parent's trained weights, not from its initial ones.
    """

    experiment_id: str
    final: bool

    @classmethod
    def parse(cls, init: str) -> Self | None:
        """Return the parent that an initialisation names; None if it is of another kind."""
        match = _TEXT.fullmatch(init)
        return None if match is None else cls(match["id"], match["final"] is not None)

    @property
    def digest(self) -> str:
        """Part after the colon, which identifies the weights."""
        return f"{self.experiment_id}/final" if self.final else self.experiment_id

    def __str__(self) -> str:
        return f"{ROW_INIT}:{self.digest}"
