"""Proven lower bounds, and the numbers of weights at which exhaustive searches found nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from itertools import count, takewhile
from pathlib import Path
from typing import Any


def proven_bounds(folder: Path, dataset: str) -> dict[Fraction, int]:
    """Return the lower bounds on the number of weights, by accuracy.

    They are certified by the folder's `lower-bound-*.json`; `sparsest bound --verify` checks one.
    They bound live weights too, because the live weights alone classify every point in the same
    way, and weights and biases.
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


def exhaustive_accuracies(folder: Path, search: Mapping[str, Any]) -> dict[int, float]:
    """Return the highest accuracy that searches of all networks found, by number of weights.

    Only the numbers of weights count up to which every distinct network was tried. The folder's
    `exhaustive-*.json` are outputs of `sparsest search --strategy halving --masks distinct --json`;
    those with the values of `search` count, such as dataset and depth.
    """
    tried: dict[int, float] = {}
    for path in sorted(folder.glob("exhaustive-*.json")):
        found = json.loads(path.read_text())
        if any(found[name] != value for name, value in search.items()):
            continue
        for one in found["tried"]:
            if one["networks"] == one["distinct"]:
                tried[one["weights"]] = max(tried.get(one["weights"], 0.0), one["highest"])
    without_gap = takewhile(tried.__contains__, count(min(tried, default=0)))
    return {weights: tried[weights] for weights in without_gap}


def of_three_layers(dataset: str) -> dict[str, Any]:
    """Return what `exhaustive_accuracies` needs for all networks with three hidden layers."""
    return {"dataset": dataset, "structure": None, "depth": 3}


def none_found_up_to(highest: Mapping[int, float], accuracy: Fraction) -> int | None:
    """Return the weights up to which no network of `exhaustive_accuracies` reached it, or None."""
    reached = min((n for n, value in highest.items() if value >= accuracy), default=None)
    return max((n for n in highest if reached is None or n < reached), default=None)
