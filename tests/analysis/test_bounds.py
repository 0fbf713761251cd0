"""Certified lower bounds on the number of weights."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from fractions import Fraction
from functools import cache
from itertools import combinations, compress, pairwise, product
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.bounds import checker, prover, zero_lines
from analysis.bounds.checker import check, counting, masks
from analysis.bounds.chords import Chords
from analysis.bounds.prover import prove
from analysis.bounds.weightings import Weightings
from analysis.bounds.zero_lines import Mask, grids, kinks, most_lines, ways
from tests.orchestrator.running import refused, sparsest
from workers.datasets import Dataset

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "lower-bound.md"
Layers = list[tuple[NDArray[np.float64], NDArray[np.float64]]]


@pytest.mark.parametrize(
    ("target", "bound"),
    [
        *[("80", 7), ("85", 8), ("90", 9), ("95", 10), ("99", 10), ("995", 11)],
        *[("spiral-1-80", 5), ("spiral-1-90", 6), ("spiral-1-95", 7)],
    ],
)
def test_committed_certificates_prove_their_bounds(target: str, bound: int) -> None:
    file = ROOT / "results" / f"lower-bound-{target}.json"
    ended = sparsest("bound", "--verify", file, "--json")
    assert ended.code == 0, ended.err
    printed = json.loads(ended.out)
    dataset = "cubist-spiral-1" if "spiral-1" in target else "cubist-spiral"
    digits = target.removeprefix("spiral-1-")
    expected = (dataset, Fraction(f"0.{digits}"), bound)
    assert (printed["dataset"], Fraction(printed["target"]), printed["bound"]) == expected


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


def test_page_states_the_length_of_the_checker() -> None:
    lines = sum(
        len(Path(str(module.__file__)).read_text().splitlines()) for module in (checker, zero_lines)
    )
    assert f" {lines} together" in PAGE.read_text()


def test_page_states_how_many_masks_have_too_few_lines() -> None:
    text = " ".join(PAGE.read_text().split())
    for weights, lines in ((9, 11), (10, 13)):
        stated = re.search(
            rf"Of the (\d+) masks of at most {weights} weights (\d+) have at most {lines - 1}, "
            r"and the boxes exclude the counts of the other (\d+)",
            text,
        )
        assert stated is not None
        fewer = [most_lines(mask) < lines for mask in masks(weights)]
        assert [*map(int, stated.groups())] == [len(fewer), sum(fewer), len(fewer) - sum(fewer)]


@cache
def rings() -> Dataset:
    """Return two concentric hexagons: a triangle is the convex curve of fewest sides between."""
    corners = np.exp(1j * np.pi / 3 * np.arange(7))
    shares = np.linspace(0, 1, 80, endpoint=False)[:, None]
    ring = (corners[:-1] * (1 - shares) + corners[1:] * shares).T.ravel()
    points = np.concatenate([0.6 * ring, 0.24 * ring])
    labels = np.repeat([0, 1], len(ring))
    return Dataset.of("rings", np.stack([points.real, points.imag], axis=1), labels)


@cache
def ring_certificate() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(prove(rings(), "0.99")))
    return made


def test_ring_needs_three_lines_and_six_weights() -> None:
    certificate = ring_certificate()
    assert certificate["lines"] == 3
    assert check(certificate, rings().points, rings().labels) == 6
    assert max(most_lines(mask) for mask in masks(5)) == 3, "so the bound needs quadrants"


def test_two_parallel_segments_need_one_line_and_two_weights() -> None:
    x = np.linspace(0, 1, 50)
    points = np.concatenate([np.stack([x, np.full(50, y)], axis=1) for y in (0, 0.3)])
    segments = Dataset.of("segments", points, np.repeat([0, 1], 50))
    certificate = prove(segments, "0.99")
    assert certificate["lines"] == 1
    assert check(certificate, segments.points, segments.labels) == 2


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
    assert [too_few((((lines, 0, 0),),)) for lines in (needed - 1, needed)] == [True, False]


@pytest.mark.parametrize("seed", range(4))
def test_lines_at_constant_coordinates_cross_what_one_through_a_point_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(16, 2)).astype(np.float32)
    labels = np.repeat([0, 1], 8)
    weights = random.integers(1, 9, size=8)
    certificate = {
        "target": "1",
        "parts": 1,
        "steps": 3,
        "ranges": [[i, i + 1] for i in range(16)],
        "chords": [[8 + i, i] for i in range(8)],
        "cuts": [[], []],
        "weights": [weights.tolist()],
        "boxes": [[0, [], []]],
    }
    too_few = counting(certificate, points, labels)
    for axis in (0, 1):
        zero, one = points[:8, axis], points[8:, axis]
        heaviest = max(
            weights[(sign * one >= sign * c) & (sign * c >= sign * zero)].sum()
            for c in points[:, axis]
            for sign in (1, -1)
        )
        needed = ceil(Fraction(int(weights.sum()), int(heaviest)))
        counts = [[0, *np.eye(2, dtype=int)[axis] * n] for n in (needed - 1, needed)]
        assert [too_few(((tuple(lines),),)) for lines in counts] == [True, False]


def test_two_lines_in_quadrants_are_too_few_for_rings_wherever_the_axes_lie() -> None:
    weightings = Weightings(Chords.of(rings()), errors=4)
    none, one = (0, 0, 0), (1, 0, 0)
    counts = ((none, one), (one, none))
    assert weightings.exclude((1, 1), [counts]) == []
    certificate: dict[str, Any] = {"target": "0.99", **weightings.certified({(1, 1): [counts]})}
    assert counting(certificate, rings().points, rings().labels)(counts)
    assert not counting(certificate, rings().points, rings().labels)((((3, 0, 0),) * 2,) * 2)
    for number in range(len(certificate["boxes"])):
        fewer = certificate["boxes"][:number] + certificate["boxes"][number + 1 :]
        too_few = counting(certificate | {"boxes": fewer}, rings().points, rings().labels)
        assert not too_few(counts), "a box is not needed"


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


def zero_lines_of(layers: Layers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the zero lines that part neighbours on a grid, [n, 3], and these points, [n, 2, 2].

    A line a x + b y + c = 0 is [a, b, c]. The output bias is at the median.
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
    lines, ends = [], []
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        parted = np.isclose(affine[here], affine[there], atol=1e-9).all(axis=-1)
        parted &= value[here] * value[there] < 0
        lines.append(affine[here][parted])
        ends.append(np.stack([x[here][parted], x[there][parted]], axis=1))
    found = np.concatenate(lines)
    found = found / np.linalg.norm(found[:, :2], axis=1, keepdims=True)
    return found.round(5), np.concatenate(ends)


def by_direction(lines: NDArray[np.float64]) -> list[int]:
    """Return the numbers of different lines: oblique, at constant x, at constant y."""
    level, upright = (np.unique(lines, axis=0)[:, :2] == 0).sum(axis=0).tolist()
    return [len(np.unique(lines, axis=0)) - level - upright, upright, level]


def test_no_random_network_has_more_zero_lines_than_its_mask_allows() -> None:
    random = np.random.default_rng(0)
    chosen = [mask for mask in masks(7) if most_lines(mask) >= 3]
    reached = 0
    for mask in chosen:
        most = max(
            sum(by_direction(zero_lines_of(random_network(mask, random))[0])) for _ in range(6)
        )
        assert most <= most_lines(mask), mask
        reached += most == most_lines(mask)
    assert reached, "the networks have too few lines to test the bound"


def positions(mask: Mask, layers: Layers, second: Sequence[int], axis: int) -> NDArray[np.float64]:
    """Return where an axis has kinks; infinite, on the side of its input, for one that has none."""
    (weight, bias), (weight_after, bias_after) = layers[:2]
    first, chained = kinks(mask, second, axis + 1)
    found = [-bias[v] / weight[v, axis] for v in first]
    for item, v in chained.items():
        value = -bias_after[~item] / weight_after[~item, v]
        value = value if value > 0 else np.inf
        found.append((value - bias[v]) / weight[v, axis])
    return np.array(found)


def test_no_random_network_has_more_zero_lines_in_a_cell_than_all_counts_of_its_mask() -> None:
    random = np.random.default_rng(0)
    reached = np.zeros(3, dtype=int)
    for mask in [mask for mask in masks(8) if {1, 2} & {*mask[0]} and most_lines(mask) >= 3]:
        layers = random_network(mask, random)
        lines, ends = zero_lines_of(layers)
        for second, *kept in ways(mask):
            chosen = [
                np.sort(positions(mask, layers, second, axis))[list(kept[axis])] for axis in (0, 1)
            ]
            places = [np.searchsorted(chosen[axis], ends[..., axis]) for axis in (0, 1)]
            within = np.stack(places, axis=-1)
            cells = [
                lines[(within == cell).all(axis=(1, 2))]
                for cell in product(*(range(len(kept) + 1) for kept in chosen))
            ]
            measured = np.array([by_direction(cell) for cell in cells])
            reached += measured.sum(axis=0)
            counts = np.array(
                [np.reshape(c, (-1, 3)) for _, found in grids(mask, second, *kept) for c in found]
            )
            # A line of any direction stands for one at constant x or y too.
            others = np.maximum(measured - counts, 0)[..., 1:].sum(axis=-1)
            assert (others <= (counts - measured)[..., 0]).all(axis=1).any(), mask
    assert (reached > 0).all()


@pytest.mark.parametrize("name", ["iris", "parity-3"])
def test_bound_needs_two_features_and_classes(name: str) -> None:
    assert name in refused("bound", "--dataset", name)


def test_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", "{}", '{"dataset": "cubist-spiral"}'):
        (tmp_path / "certificate.json").write_text(content)
        assert "certificate.json" in refused("bound", "--verify", tmp_path / "certificate.json")


@pytest.mark.parametrize("words", [("--target", "0.99"), ("--dataset", "iris")])
def test_certificate_to_verify_takes_no_other_data_set_or_target(words: tuple[str, str]) -> None:
    assert words[0] in refused("bound", "--verify", CERTIFICATE, *words)


@pytest.mark.parametrize("output", ["missing/x.json", f"{'n' * 300}.json", "folder"])
def test_output_that_cannot_be_written_is_refused_before_the_proof(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(prover, "prove", None)
    assert str(tmp_path) in refused("bound", "--output", tmp_path / output, "--overwrite")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


CERTIFICATE = ROOT / "results" / "lower-bound-80.json"


def test_certificate_is_written_and_replaced_only_if_asked(tmp_path: Path) -> None:
    output = tmp_path / "x.json"
    words = ("bound", "--verify", CERTIFICATE, "--output", output)
    assert sparsest(*words).code == 0
    assert output.read_bytes() == CERTIFICATE.read_bytes()
    output.write_text("")
    assert "--overwrite" in refused(*words)
    assert output.read_bytes() == b""
    assert sparsest(*words, "--overwrite").code == 0
    assert json.loads(output.read_text()) == json.loads(CERTIFICATE.read_text())
    assert list(tmp_path.iterdir()) == [output]


def test_certificate_that_cannot_be_written_is_no_error_of_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(checker, "check", lambda *arguments: folder.rmdir())
    message = refused("bound", "--verify", CERTIFICATE, "--output", folder / "x.json")
    assert str(folder / "x.json") in message
    assert "stored" not in message
