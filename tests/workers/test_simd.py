"""The vector operations compared with numpy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.kernel import loss as simd_loss
from workers.kernel import simd
from workers.kernel.compiled import compiled
from workers.kernel.simd import BLOCK, LANES, PIECE, aligned_zeros


@compiled
def _apply(which, a, b, c, out):  # type: ignore[no-untyped-def]
    x, y, z = simd.load(a, 0), simd.load(b, 0), simd.load(c, 0)
    if which == 0:
        simd.store(out, 0, simd.fma(x, y, z))
    elif which == 1:
        simd.store(out, 0, simd.relu(x))
    elif which == 2:
        simd.store(out, 0, simd.where_positive(x, y))
    elif which == 3:
        simd.store(out, 0, simd.add(x, y))
    elif which == 4:
        simd.store(out, 0, simd_loss.cross_entropy(x, y, z))
    elif which == 5:
        simd.store(out, 0, simd_loss.correct(x, y, z))
    elif which == 6:
        simd.store_lanes(out, 0, simd.fold(x))
    elif which == 7:
        simd.store(out, 0, simd.splat(a[3]))
    elif which == 8:
        simd.store(out, 0, simd.magnitude(x))
    elif which == 9:
        out[0] = simd.lane_sum(simd.load_lanes(a, 0))
    elif which == 10:
        out[0] = simd.any_bit(x)
    elif which == 11:
        simd.store_piece(out, 0, simd.add(simd.load_piece(a, 0), simd.splat_piece(b[1])))


@compiled
def _row_sums(rows, out):  # type: ignore[no-untyped-def]
    simd.store_lanes(out, 0, simd.row_sums(rows, 0))


def apply(which: int, *operands: NDArray[Any]) -> NDArray[Any]:
    """Apply an operation to blocks of the given values."""
    blocks = []
    for position in range(3):
        block = aligned_zeros(BLOCK)
        if position < len(operands):
            block[:] = operands[position]
        blocks.append(block)
    out = aligned_zeros(BLOCK)
    _apply(which, *blocks, out)
    return out.astype(np.float64)


@pytest.fixture
def values() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(3, BLOCK)).astype(np.float32).astype(np.float64)
    return drawn[0], drawn[1], drawn[2]


def test_operations_match_numpy(
    values: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
) -> None:
    a, b, c = values
    np.testing.assert_array_equal(apply(0, a, b, c), (a * b + c).astype(np.float32))
    np.testing.assert_array_equal(apply(3, a, b), (a + b).astype(np.float32))
    np.testing.assert_array_equal(apply(1, a), np.maximum(a, 0))
    np.testing.assert_array_equal(apply(2, a, b), np.where(a > 0, b, 0))
    np.testing.assert_array_equal(apply(7, a), np.full(BLOCK, a[3]))
    np.testing.assert_array_equal(apply(8, a), np.abs(a))
    piece = apply(11, a, b)[:PIECE]
    np.testing.assert_array_equal(piece, (a + b[1]).astype(np.float32)[:PIECE])
    assert PIECE <= BLOCK


@pytest.mark.parametrize("place", [0, 1, BLOCK - 1])
def test_any_bit_detects_every_element(place: int) -> None:
    one = np.zeros(BLOCK)
    assert apply(10, one)[0] == 0
    one[place] = 1e-40
    assert apply(10, one)[0] == 1


def test_sums_contain_every_lane_once(
    values: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
) -> None:
    a, _, _ = values
    counts = np.arange(BLOCK) % 7
    assert apply(9, counts)[0] == counts[:LANES].sum()
    assert apply(6, a)[:LANES].sum() == pytest.approx(float(a.sum()), rel=1e-5)
    rows = aligned_zeros(LANES * LANES)
    rows[:] = np.random.default_rng(2).integers(-99, 99, LANES * LANES)
    out = aligned_zeros(LANES)
    _row_sums(rows, out)
    np.testing.assert_array_equal(out, rows.reshape(LANES, LANES).sum(axis=1))


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 10.0, 80.0])
def test_loss_matches_float64(scale: float) -> None:
    logits = (scale * np.linspace(-1, 1, BLOCK)).astype(np.float32).astype(np.float64)
    labels = np.arange(BLOCK) % 2 * 1.0
    loss = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))
    np.testing.assert_allclose(apply(4, logits, labels, np.ones(BLOCK)), loss, rtol=1e-6, atol=1e-7)


def test_extreme_logits_stay_finite() -> None:
    logits = np.where(np.arange(BLOCK) % 2, 1e30, -1e30)
    labels = (np.arange(BLOCK) // 2 % 2).astype(np.float64)
    assert np.isfinite(apply(4, logits, labels, np.ones(BLOCK))).all()


def test_logit_of_zero_predicts_class_0() -> None:
    logits = np.zeros(BLOCK)
    labels = np.arange(BLOCK) % 2 * 1.0
    np.testing.assert_array_equal(apply(5, logits, labels, np.ones(BLOCK)), 1 - labels)
    np.testing.assert_array_equal(apply(5, logits + 1, labels, np.ones(BLOCK)), labels)


def test_aligned_zeros_are_aligned() -> None:
    assert all(aligned_zeros(count).ctypes.data % 64 == 0 for count in (1, 7, 16, 1000))
