"""What the machine can do at best: its floating-point limit, measured."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

from workers.kernel import simd
from workers.kernel.compiled import compiled
from workers.kernel.simd import BLOCK, REGISTERS, aligned_zeros

POINTS_A_STEP = 128
STEPS = 390 * 50
"""Of a training of the paper: 50 epochs of 390 steps."""


@compiled
def _multiply_add(rounds, values, out):  # type: ignore[no-untyped-def]
    """Chains of multiply-adds on registers, more of them than the units have stages."""
    x = simd.load(values, 0)
    a, b = simd.load(values, BLOCK), simd.load(values, 2 * BLOCK)
    for _ in range(rounds):
        a = simd.fma(x, a, x)
        b = simd.fma(x, b, x)
    simd.store(out, 0, simd.add(a, b))


def peak_flops() -> float:
    """Floating-point operations a second of one core: the best of ten tries of 20 ms or so."""
    values, out = aligned_zeros(3 * BLOCK), aligned_zeros(BLOCK)
    values[:] = 0.5
    rounds = 1_000_000
    _multiply_add(10, values, out)
    best = np.inf
    for _ in range(10):
        start = time.process_time()
        _multiply_add(rounds, values, out)
        best = min(best, time.process_time() - start)
    return 2 * 2 * REGISTERS * simd.LANES * rounds / best


def training_flops(structure: tuple[int, ...], inputs: int = 2) -> float:
    """Multiplications and additions of the matrix products of one training of 50 epochs.

    Forward and gradient take every weight once each, backward all but the first layer's.
    """
    sizes = (inputs, *structure, 1)
    weights = [a * b for a, b in pairwise(sizes)]
    products = 3 * sum(weights) - weights[0]
    return 2.0 * products * POINTS_A_STEP * STEPS
