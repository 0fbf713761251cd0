"""Exact accuracy on line segments."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from analysis.exact import exact_accuracy, line_segments
from search.layers import Layers
from workers.datasets import Dataset, load_dataset


def layers_of(*parts: tuple[list[list[float]], list[float]]) -> Layers:
    return [(np.array(w, dtype=np.float32), np.array(b, dtype=np.float32)) for w, b in parts]


def two_segments() -> Dataset:
    """Class 0 from (0, 0) to (1, 0), class 1 from (0, 1) to (2, 1)."""
    t = np.linspace(0, 1, 5)
    points = np.concatenate([np.stack([t, 0 * t], axis=1), np.stack([2 * t, 0 * t + 1], axis=1)])
    return Dataset.of("two-segments", points, np.repeat([0, 1], 5))


def test_part_on_the_right_side_is_exact() -> None:
    # Positive for x < 2/3, as float32 numbers allow exactly: 2 - 3 x.
    falling = layers_of(([[-3.0, 0.0]], [2.0]), ([[1.0]], [0.0]))
    assert exact_accuracy(falling, two_segments()) == Fraction(1, 2) * (
        Fraction(1, 3) + Fraction(1, 3)
    )


def test_kinks_of_a_later_layer_are_found() -> None:
    # |x - 1/2| is made by the first layer, relu(1/4 - |x - 1/2|) by the second: positive for x
    # between 1/4 and 3/4, a half of the first segment and a quarter of the second.
    hat = layers_of(
        ([[1.0, 0.0], [-1.0, 0.0]], [-0.5, 0.5]),
        ([[-1.0, -1.0]], [0.25]),
        ([[1.0]], [0.0]),
    )
    assert exact_accuracy(hat, two_segments()) == (Fraction(1, 2) + Fraction(1, 4)) / 2


def test_constant_zero_is_class_0() -> None:
    zero = layers_of(([[1.0, 1.0]], [-9.0]), ([[1.0]], [0.0]))
    assert exact_accuracy(zero, two_segments()) == Fraction(1, 2)


@pytest.mark.parametrize(("name", "turns"), [("cubist-spiral", 2), ("cubist-spiral-1", 1)])
def test_spiral_has_eight_segments_per_turn_and_class(name: str, turns: int) -> None:
    dataset = load_dataset(name)
    segments = line_segments(dataset)
    assert [segment.label for segment in segments] == [0] * 8 * turns + [1] * 8 * turns
    assert sum(segment.points for segment in segments) == len(dataset)


def test_exact_accuracy_is_close_to_that_on_the_points() -> None:
    dataset = load_dataset("cubist-spiral")
    random = np.random.default_rng(0)
    sizes = (2, 5, 3, 1)
    for _ in range(3):
        layers = [
            (
                random.normal(size=(n_out, n_in)).astype(np.float32),
                random.normal(size=n_out).astype(np.float32),
            )
            for n_in, n_out in itertools.pairwise(sizes)
        ]
        logits = dataset.points.astype(np.float64)
        for number, (weight, bias) in enumerate(layers):
            logits = logits @ weight.T.astype(np.float64) + bias
            logits = logits if number == 2 else np.maximum(logits, 0)
        on_points = np.mean((logits[:, 0] > 0) == (dataset.labels == 1))
        # At most one point on either side of each crossing of the boundary.
        assert float(exact_accuracy(layers, dataset)) == pytest.approx(on_points, abs=0.002)


def test_points_off_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="two-moons"):
        line_segments(load_dataset("two-moons"))
