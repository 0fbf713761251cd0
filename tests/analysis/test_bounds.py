"""Certified lower bounds on the number of weights."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from functools import cache
from itertools import combinations, compress, pairwise
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.bounds import checker, zero_lines
from analysis.bounds.checker import check, counting
from analysis.bounds.prover import Chords, Weightings, prove
from analysis.bounds.zero_lines import Mask, grids, masks, most_lines, ways
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


@pytest.mark.parametrize(("module", "used"), [(checker, {"analysis"}), (zero_lines, set())])
def test_checker_is_short_and_independent(module: ModuleType, used: set[str]) -> None:
    source = Path(str(module.__file__)).read_text()
    assert len(source.splitlines()) <= 150
    tree = ast.parse(source)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {
        n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names
    }
    assert modules & {"analysis.bounds.zero_lines"} or not used
    assert {str(name).partition(".")[0] for name in modules} & {
        "analysis", "orchestrator", "pruning", "search", "storage", "workers", "scipy"
    } == used  # fmt: skip


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


def reverse_a_chord(certificate: dict[str, Any]) -> None:
    certificate["chords"][0].reverse()


def use_points_twice(certificate: dict[str, Any]) -> None:
    certificate["ranges"][1][0] -= 1


def make_a_weight_negative(certificate: dict[str, Any]) -> None:
    certificate["weights"][0][0] = -1


@pytest.mark.parametrize(
    "damage",
    [
        raise_bound,
        raise_lines,
        lower_target,
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
    chords = [[8 + i, i] for i in range(8)]
    weights = random.integers(1, 9, size=8).tolist()
    exact = [[Fraction(float(c)) for c in point] for point in points]
    heaviest = 0
    for (x, y), (u, v) in combinations(exact, 2):
        # Every line can be moved onto two points without crossing less.
        side = [(a - x) * (v - y) - (b - y) * (u - x) for a, b in exact]
        for sign in (1, -1):
            crossed = [sign * side[p] >= 0 >= sign * side[q] for p, q in chords]
            heaviest = max(heaviest, sum(compress(weights, crossed)))
    certificate = {
        "target": "1",
        "parts": 1,
        "steps": 200,
        "ranges": [[i, i + 1] for i in range(16)],
        "chords": chords,
        "cuts": [[], []],
        "weights": [weights],
        "boxes": [[0, [], []]],
    }
    too_few = counting(certificate, points, labels)
    needed = ceil(Fraction(sum(weights), heaviest))
    assert [too_few(((lines,),)) for lines in (needed - 1, needed)] == [True, False]


def test_two_lines_in_quadrants_are_too_few_for_rings_wherever_the_axes_lie() -> None:
    weightings = Weightings(Chords.of(rings()), errors=4)
    counts = ((0, 1), (1, 0))
    assert weightings.exclude((1, 1), [counts])
    certificate: dict[str, Any] = {"target": "0.99", **weightings.certified()}
    assert counting(certificate, rings().points, rings().labels)(counts)
    assert not counting(certificate, rings().points, rings().labels)(((3, 3), (3, 3)))
    for number in range(len(certificate["boxes"])):
        fewer = certificate["boxes"][:number] + certificate["boxes"][number + 1 :]
        too_few = counting(certificate | {"boxes": fewer}, rings().points, rings().labels)
        if not too_few(counts):
            break
    else:
        pytest.fail("no box is needed")


def canonical(rows: list[list[list[int]]]) -> Mask:
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


def random_network(mask: Mask, random: np.random.Generator) -> Layers:
    """Return a network with this mask whose kinks lie near the origin."""
    layers: Layers = []
    width = 2
    for rows in (*mask, ((1 << len(mask[-1])) - 1,)):
        kept = np.array([[row >> j & 1 for j in range(width)] for row in rows])
        layers.append((random.normal(size=kept.shape) * kept, random.normal(size=len(rows)) / 2))
        width = len(rows)
    return layers


def count_zero_lines(layers: Layers, near: Callable[[Any], Any] | None = None) -> int:
    """Count the zero lines that part neighbours on a grid, with the output bias at the median.

    Only lines between points for which `near` is true count.
    """
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
    kept = np.full(value.shape, True) if near is None else near(x)
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        same = np.isclose(affine[here], affine[there], atol=1e-9).all(axis=-1)
        same &= kept[here] & kept[there]
        found.append(affine[here][same & (value[here] * value[there] < 0)])
    lines = np.concatenate(found)
    lines = lines / np.linalg.norm(lines[:, :2], axis=1, keepdims=True)
    return len(np.unique(lines.round(5), axis=0))


def test_no_random_network_has_more_zero_lines_than_its_mask_allows() -> None:
    random = np.random.default_rng(0)
    chosen = [mask for mask in masks(7) if most_lines(mask) >= 3]
    reached = 0
    for mask in chosen:
        most = max(count_zero_lines(random_network(mask, random)) for _ in range(6))
        assert most <= most_lines(mask), mask
        reached += most == most_lines(mask)
    assert reached, "the networks have too few lines to test the bound"


def test_no_random_network_has_more_zero_lines_in_a_cell_than_all_counts_of_its_mask() -> None:
    random = np.random.default_rng(0)
    for mask in [mask for mask in masks(7) if {1, 2} <= {*mask[0]} and most_lines(mask) >= 3]:
        layers = random_network(mask, random)
        weight, bias = layers[0]
        kinks = [
            sorted(-bias[i] / weight[i, axis] for i, row in enumerate(mask[0]) if row == axis + 1)
            for axis in (0, 1)
        ]
        for _, *kept in ways(mask):
            at = [kinks[axis][kept[axis]] for axis in (0, 1)]
            measured = [
                [
                    count_zero_lines(
                        layers,
                        lambda x, at=at, sides=(right, above): np.logical_and(
                            (x[..., 0] > at[0]) == sides[0], (x[..., 1] > at[1]) == sides[1]
                        ),
                    )
                    for above in (False, True)
                ]
                for right in (False, True)
            ]
            assert any((np.array(counts) >= measured).all() for _, counts in grids(mask, (), *kept))


@pytest.mark.parametrize("name", ["iris", "parity-3"])
def test_bound_needs_two_features_and_classes(name: str) -> None:
    assert name in refused("bound", "--dataset", name)


def test_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", "{}", '{"dataset": "cubist-spiral"}'):
        (tmp_path / "certificate.json").write_text(content)
        assert "certificate.json" in refused("bound", "--verify", tmp_path / "certificate.json")
