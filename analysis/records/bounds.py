"""Proven lower bounds, and the numbers of weights at which exhaustive searches found nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from operator import itemgetter
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
            target = Fraction(certificate["target"])
            bounds[target] = max(certificate["bound"], bounds.get(target, 0))
    return bounds


def bound_at(bounds: Mapping[Fraction, int], accuracy: Fraction) -> int | None:
    """Return the greatest bound for networks of an accuracy; None if there is none.

    A bound for an accuracy holds for higher ones.
    """
    return max((bound for target, bound in bounds.items() if target <= accuracy), default=None)


@dataclass(frozen=True)
class TriedNetworks:
    """Distinct networks that exhaustive searches have tried, from the sparsest on.

    Attributes:
        networks: number of networks.
        highest: number of weights -> highest accuracy, from 0 to 1, where every network with this
            number has been tried.
    """

    networks: int
    highest: Mapping[int, float]


def tried_networks(folder: Path, search: Mapping[str, Any]) -> TriedNetworks:
    """Return the networks that the searches in a folder have tried.

    The folder's `exhaustive-*.json` are outputs of `sparsest search --strategy halving --masks
    distinct --json`; those with the values of `search` count, such as dataset and depth. One that
    starts after a network that no other has tried does not count.
    """
    outputs = [json.loads(path.read_text()) for path in sorted(folder.glob("exhaustive-*.json"))]
    networks = 0
    distinct: dict[int, int] = {}
    highest: dict[int, float] = defaultdict(float)
    for found in sorted(outputs, key=itemgetter("skipped")):
        if found["skipped"] > networks or any(found[key] != search[key] for key in search):
            continue
        tried = found["skipped"] + sum(one["networks"] for one in found["tried"])
        networks = max(networks, tried)
        for one in found["tried"]:
            distinct[one["weights"]] = one["distinct"]
            highest[one["weights"]] = max(highest[one["weights"]], one["highest"])
    weights = sorted(distinct)
    ends = accumulate(distinct[n] for n in weights)
    complete = [n for n, end in zip(weights, ends, strict=True) if end <= networks]
    return TriedNetworks(networks, {n: highest[n] for n in complete})


def of_three_layers(dataset: str) -> dict[str, Any]:
    """Return what `tried_networks` needs for all networks with three hidden layers."""
    return {"dataset": dataset, "structure": None, "depth": 3}


def none_found_up_to(highest: Mapping[int, float], accuracy: Fraction) -> int | None:
    """Return the weights up to which no network of `TriedNetworks.highest` reached it, or None."""
    reached = min((n for n, value in highest.items() if value >= float(accuracy)), default=None)
    return max((n for n in highest if reached is None or n < reached), default=None)
