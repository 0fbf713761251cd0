"""A stored row beside the same experiment trained once more, number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analysis.retrain import COMPARED, trained_again
from storage.results_reader import ResultsReader


@dataclass(frozen=True)
class Difference:
    """How the weights, or the biases, of two trainings differ.

    Attributes:
        count: places that either training keeps.
        differing: places with other bits, or that only one of them keeps.
        largest: largest absolute difference at one of them; a place that is not kept counts as 0.
    """

    count: int
    differing: int
    largest: float

    @classmethod
    def between(
        cls,
        stored: tuple[Sequence[int], Sequence[float]],
        again: tuple[Sequence[int], Sequence[float]],
    ) -> Self:
        """Of two trainings, each as (places, values)."""
        places = np.union1d(np.asarray(stored[0]), np.asarray(again[0])).astype(np.int64)
        (kept, before), (kept_again, after) = (_spread(side, places) for side in (stored, again))
        other = (kept != kept_again) | (before.view(np.uint32) != after.view(np.uint32))
        apart = np.abs(before.astype(np.float64) - after)
        return cls(len(places), int(other.sum()), float(apart.max(initial=0.0)))


@dataclass(frozen=True)
class Replay:
    """What came out when a row was trained again.

    Attributes:
        backend: that made the row.
        backend_here: that trained it again.
        other_columns: column -> (stored value, value now), of those that differ.
        weights: None where the row has none to compare with.
        biases: likewise.
    """

    backend: str
    backend_here: str
    other_columns: Mapping[str, tuple[Any, Any]]
    weights: Difference | None
    biases: Difference | None

    @property
    def same(self) -> bool:
        """Whether all that is stored came out again, bit for bit."""
        parts = [part for part in (self.weights, self.biases) if part is not None]
        return not self.other_columns and not any(part.differing for part in parts)


def replay(row: Mapping[str, Any], reader: ResultsReader, init_file: Path | None = None) -> Replay:
    """Trains a row again, with the arithmetic that made it, and compares.

    Args:
        row: of the view `results`.
        reader: where it is from, for the stored initialisation that it may start from.
        init_file: the torch file of that initialisation, where it cannot be made again.

    Raises:
        ValueError: it was never trained, its initialisation is missing, or another version trained
            it.
    """
    if row["status"] == "failed":
        raise ValueError(
            f"experiment {row['experiment_id']} could not be trained ({row['reason']}): there is "
            "nothing to compare with"
        )
    again = trained_again(row, reader, init_file)
    parts: list[Difference | None] = [
        None
        if row[values] is None or again[values] is None
        else Difference.between((row[index], row[values]), (again[index], again[values]))
        for index, values in (("weight_index", "weights"), ("bias_index", "biases"))
    ]
    others = {name: (row[name], again[name]) for name in COMPARED if row[name] != again[name]}
    return Replay(row["backend"], again["backend"], others, *parts)


def _spread(
    side: tuple[Sequence[int], Sequence[float]], places: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which of the places are kept, and the values at all of them."""
    index = np.searchsorted(places, np.asarray(side[0], dtype=np.int64))
    kept = np.zeros(len(places), dtype=np.bool_)
    values = np.zeros(len(places), dtype=np.float32)
    kept[index] = True
    values[index] = side[1]
    return kept, values
