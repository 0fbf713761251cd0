"""Comparison of a stored row with the same experiment trained again, number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from analysis.retrain import COMPARED, InitOf, trained_again


@dataclass(frozen=True)
class Difference:
    """Difference between the weights, or the biases, of two trainings.

    Attributes:
        count: number of parameters that either training keeps.
        differing: number of these whose bits differ, or that only one of the trainings keeps.
        largest: largest absolute difference; a parameter that is not kept counts as 0.
    """

    count: int
    differing: int
    largest: float

    @classmethod
    def between(
        cls,
        stored: tuple[Sequence[int], Sequence[float]],
        retrained: tuple[Sequence[int], Sequence[float]],
    ) -> Self:
        """Compare two trainings, each given as (indices, values)."""
        size = 1 + max((*stored[0], *retrained[0]), default=-1)
        kept = np.zeros((2, size), np.bool_)
        values = np.zeros((2, size), np.float32)
        for number, (index, of_index) in enumerate((stored, retrained)):
            kept[number, index] = True
            values[number, index] = of_index
        bits = values.view(np.uint32)
        differs = (kept[0] != kept[1]) | (bits[0] != bits[1])
        distance = np.abs(values[0].astype(np.float64) - values[1])
        return cls(int(kept.any(axis=0).sum()), int(differs.sum()), float(distance.max(initial=0)))


@dataclass(frozen=True)
class Replay:
    """Result of training a row again.

    Attributes:
        backend, backend_here: backends that made the row, and that trained it again.
        other_columns: column -> (stored value, new value), for those that differ.
        weights, biases: their differences; None if the row has none.
    """

    backend: str
    backend_here: str
    other_columns: Mapping[str, tuple[Any, Any]]
    weights: Difference | None
    biases: Difference | None

    @property
    def same(self) -> bool:
        """Whether everything that is stored was reproduced bit for bit."""
        parts = [part for part in (self.weights, self.biases) if part is not None]
        return not self.other_columns and not any(part.differing for part in parts)


def replay(row: Mapping[str, Any], init_of: InitOf, init_file: Path | None = None) -> Replay:
    """Train a row again, with the arithmetic that made it, and compare the results.

    Raises:
        ValueError: the row was never trained, or as for `analysis.retrain.retrained`.
    """
    if row["status"] == "failed":
        raise ValueError(
            f"experiment {row['experiment_id']} could not be trained ({row['reason']}): there is "
            "nothing to compare with"
        )
    new = trained_again(row, init_of, init_file)
    parts: list[Difference | None] = [
        None
        if row[values] is None or new[values] is None
        else Difference.between((row[index], row[values]), (new[index], new[values]))
        for index, values in (("weight_index", "weights"), ("bias_index", "biases"))
    ]
    others = {name: (row[name], new[name]) for name in COMPARED if row[name] != new[name]}
    return Replay(row["backend"], new["backend"], others, *parts)
