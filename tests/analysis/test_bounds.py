"""Certified lower bounds on the number of weights."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.bounds import checker
from analysis.bounds.checker import check, masks, most_lines
from analysis.bounds.prover import prove
from tests.orchestrator.running import refused, sparsest
from workers.datasets import Dataset

ROOT = Path(__file__).resolve().parents[2]
Layers = list[tuple[NDArray[np.float64], NDArray[np.float64]]]


@pytest.mark.parametrize(("target", "bound"), [("95", 9), ("995", 10)])
def test_committed_certificates_prove_their_bounds(target: str, bound: int) -> None:
    file = ROOT / "results" / f"lower-bound-{target}.json"
    ended = sparsest("bound", "--verify", file, "--json")
    assert ended.code == 0, ended.err
    printed = json.loads(ended.out)
    assert (printed["target"], printed["bound"]) == (f"0.{target}", bound)


def test_checker_is_short_and_imports_nothing_of_the_project() -> None:
    source = Path(checker.__file__).read_text()
    assert len(source.splitlines()) <= 150
    tree = ast.parse(source)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {
        n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names
    }
    assert not {str(name).partition(".")[0] for name in modules} & {
        "analysis", "orchestrator", "pruning", "search", "storage", "workers", "scipy"
    }  # fmt: skip


@cache
def rings() -> Dataset:
    """Return two concentric hexagons: a triangle is the convex curve of fewest sides between."""
    corners = np.exp(1j * np.pi / 3 * np.arange(7))
    shares = np.linspace(0, 1, 80, endpoint=False)[:, None]
    ring = (corners[:-1] * (1 - shares) + corners[1:] * shares).T.ravel()
    points = np.concatenate([ring, 0.4 * ring])
    labels = np.repeat([0, 1], len(ring))
    return Dataset.of("rings", np.stack([points.real, points.imag], axis=1), labels)


@cache
def ring_certificate() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(prove(rings(), "0.99")))
    return made


def test_ring_needs_three_lines_and_so_four_weights() -> None:
    certificate = ring_certificate()
    assert certificate["lines"] == 3
    assert check(certificate, rings().points, rings().labels) == 4
    assert max(most_lines(mask) for mask in masks(4)) == 3


def raise_bound(certificate: dict[str, Any]) -> None:
    certificate["bound"] += 1


def raise_lines(certificate: dict[str, Any]) -> None:
    certificate["lines"] += 1


def lower_target(certificate: dict[str, Any]) -> None:
    certificate["target"] = "0.6"


def lower_penalty(certificate: dict[str, Any]) -> None:
    certificate["penalty"] -= 1


def lower_a_count(certificate: dict[str, Any]) -> None:
    entry = max(certificate["masks"], key=lambda entry: int(entry[1]))
    entry[1] -= 1


def omit_a_mask(certificate: dict[str, Any]) -> None:
    certificate["masks"].pop()


def reverse_a_chord(certificate: dict[str, Any]) -> None:
    p, q, weight = certificate["chords"][0]
    certificate["chords"][0] = [q, p, weight]


def use_points_twice(certificate: dict[str, Any]) -> None:
    certificate["ranges"][1][0] -= 1


def make_a_weight_negative(certificate: dict[str, Any]) -> None:
    certificate["chords"][0][2] *= -1


@pytest.mark.parametrize(
    "damage",
    [
        raise_bound,
        raise_lines,
        lower_target,
        lower_penalty,
        lower_a_count,
        omit_a_mask,
        reverse_a_chord,
        use_points_twice,
        make_a_weight_negative,
    ],
)
def test_altered_certificate_is_rejected(damage: Callable[[dict[str, Any]], None]) -> None:
    certificate = deepcopy(ring_certificate())
    damage(certificate)
    with pytest.raises(ValueError, match=" not "):
        check(certificate, rings().points, rings().labels)


@pytest.mark.parametrize("seed", range(4))
def test_lines_needed_is_that_of_the_heaviest_line_through_two_points(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(16, 2)).astype(np.float32)
    labels = np.repeat([0, 1], 8)
    chords = [[8 + i, i, int(random.integers(1, 9))] for i in range(8)]
    exact = [[Fraction(float(c)) for c in point] for point in points]
    heaviest = 0
    for (x, y), (u, v) in combinations(exact, 2):
        # Every line can be moved onto two points without crossing less.
        side = [(a - x) * (v - y) - (b - y) * (u - x) for a, b in exact]
        for sign in (1, -1):
            crossed = [w for p, q, w in chords if sign * side[p] >= 0 >= sign * side[q]]
            heaviest = max(heaviest, sum(crossed))
    certificate = {
        "target": "1",
        "parts": 1,
        "steps": 200,
        "penalty": 9,
        "ranges": [[i, i + 1] for i in range(16)],
        "chords": chords,
    }
    total = sum(w for _, _, w in chords)
    assert checker.lines_needed(certificate, points, labels) == ceil(Fraction(total, heaviest))


def canonical(rows: list[list[list[int]]]) -> checker.Mask:
    """Return a mask, layers of rows of 0 and 1, with the rows of each layer in order."""
    layers, columns = [], [0, 1]
    for layer in rows:
        bits = [sum(row[j] << i for i, j in enumerate(columns)) for row in layer]
        columns = sorted(range(len(layer)), key=lambda i: bits[i])
        layers.append(tuple(sorted(bits)))
    return tuple(layers)


def test_every_live_mask_is_listed() -> None:
    listed = set(masks(7))
    random = np.random.default_rng(0)
    found = set()
    for _ in range(4000):
        widths = [2, *random.integers(1, 4, size=random.integers(1, 4)).tolist()]
        rows = [
            (random.random((n_out, n_in)) < 0.6).astype(int) for n_in, n_out in pairwise(widths)
        ]
        live = all(layer.any(axis=1).all() for layer in rows)
        live &= all(layer.any(axis=0).all() for layer in rows[1:])
        if live and sum(int(layer.sum()) for layer in rows) + widths[-1] <= 7:
            found.add(canonical([layer.tolist() for layer in rows]))
    assert found <= listed
    assert len(found) > len(listed) / 2


def random_network(mask: checker.Mask, random: np.random.Generator) -> Layers:
    """Return a network with this mask whose kinks lie near the origin."""
    layers: Layers = []
    width = 2
    for rows in (*mask, ((1 << len(mask[-1])) - 1,)):
        kept = np.array([[row >> j & 1 for j in range(width)] for row in rows])
        layers.append((random.normal(size=kept.shape) * kept, random.normal(size=len(rows)) / 2))
        width = len(rows)
    return layers


def zero_lines(layers: Layers) -> int:
    """Count the zero lines that part neighbours on a grid, with the output bias at the median."""
    axis = np.linspace(-4, 4, 81)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    values, slopes = x, np.broadcast_to(np.eye(2), (*x.shape[:2], 2, 2))
    for number, (weight, bias) in enumerate(layers):
        values, slopes = values @ weight.T + bias, np.einsum("ij,abjk->abik", weight, slopes)
        if number < len(layers) - 1:
            slopes = slopes * (values > 0)[..., None]
            values = np.maximum(values, 0)
    value, slope = values[..., 0] - np.median(values), slopes[..., 0, :]
    offset = value - (slope * x).sum(axis=-1)
    affine = np.concatenate([slope, offset[..., None]], axis=-1)
    # Neighbours of opposite sign in one linear piece: its zero line runs between them.
    found = []
    for near, far in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        same = np.isclose(affine[near], affine[far], atol=1e-9).all(axis=-1)
        found.append(affine[near][same & (value[near] * value[far] < 0)])
    lines = np.concatenate(found)
    lines = lines / np.linalg.norm(lines[:, :2], axis=1, keepdims=True)
    return len(np.unique(lines.round(5), axis=0))


def test_no_random_network_has_more_zero_lines_than_its_mask_allows() -> None:
    random = np.random.default_rng(0)
    chosen = [mask for mask in masks(7) if most_lines(mask) >= 3]
    reached = 0
    for mask in chosen:
        most = max(zero_lines(random_network(mask, random)) for _ in range(6))
        assert most <= most_lines(mask), mask
        reached += most == most_lines(mask)
    assert reached, "the networks have too few lines to test the bound"


@pytest.mark.parametrize("name", ["iris", "parity-3"])
def test_bound_needs_two_features_and_classes(name: str) -> None:
    assert name in refused("bound", "--dataset", name)


def test_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", "{}", '{"dataset": "cubist-spiral"}'):
        (tmp_path / "certificate.json").write_text(content)
        assert "certificate.json" in refused("bound", "--verify", tmp_path / "certificate.json")
