"""The proven lower bounds beside the records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path


def proven_bounds(folder: Path, dataset: str) -> dict[Fraction, int]:
    """Return the certified lower bounds on the number of weights, by accuracy.

    They bound live weights too, because the live weights alone classify every point in the same
    way, and weights and biases.

    Args:
        folder: folder of the certificates, `lower-bound-*.json`; `sparsest bound --verify` checks
            one.
        dataset: name of the data set.
    """
    bounds: dict[Fraction, int] = {}
    for path in sorted(folder.glob("lower-bound-*.json")):
        certificate = json.loads(path.read_text())
        if certificate["dataset"] == dataset:
            bounds[Fraction(certificate["target"])] = certificate["bound"]
    return bounds


def bound_at(bounds: Mapping[Fraction, int], accuracy: Fraction) -> int | None:
    """Return the greatest bound for networks of an accuracy; None if there is none.

    A bound for an accuracy holds for higher ones.
    """
    return max((bound for target, bound in bounds.items() if target <= accuracy), default=None)
