"""What the machine can do at best: its floating-point limit, measured."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from workers.kernel import simd
from workers.kernel.compiled import compiled
from workers.kernel.simd import LANES, aligned_zeros

POINTS_A_STEP = 128
STEPS = 390 * 50
"""Of a training of the paper: 50 epochs of 390 steps."""


_CHAINS = 12
"""Chains of multiply-adds: two units of four or five stages each want 8 or 10, and they and their
two operands fit into 16 registers. More would spill, and measure the cache."""


@intrinsic  # type: ignore[untyped-decorator]
def _multiply_adds(typing_context: Any, rounds: Any, values: Any) -> Any:
    """Chains of multiply-adds on registers, `rounds` long; their results take the values' place."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rounds, values = args
        kind = ir.VectorType(simd.type_float, LANES)
        first = simd.element_pointer(
            context, builder, signature.args[1], values, ir.Constant(simd.type_int64, 0)
        )
        registers = builder.bitcast(first, kind.as_pointer())
        places = [
            builder.gep(registers, [ir.Constant(simd.type_int64, r)]) for r in range(_CHAINS + 2)
        ]
        factor, summand, *chains = [builder.load(place, align=4 * LANES) for place in places]
        sums = [cgutils.alloca_once_value(builder, chain) for chain in chains]
        with cgutils.for_range(builder, rounds):
            for place in sums:
                builder.store(simd.fused(builder, factor, builder.load(place), summand), place)
        for place, result in zip(places[2:], sums, strict=True):
            builder.store(builder.load(result), place, align=4 * LANES)
        return context.get_dummy_value()

    return types.void(types.int64, values), generate


@compiled
def _run(rounds, values):  # type: ignore[no-untyped-def]
    _multiply_adds(rounds, values)


def peak_flops() -> float:
    """Floating-point operations a second of one core: the best of ten tries of 20 ms or so."""
    values = aligned_zeros((_CHAINS + 2) * LANES)
    values[:] = 0.5
    rounds = 5_000_000
    _run(10, values)
    best = np.inf
    for _ in range(10):
        start = time.process_time()
        _run(rounds, values)
        best = min(best, time.process_time() - start)
    return 2 * _CHAINS * LANES * rounds / best


def training_flops(structure: tuple[int, ...], inputs: int = 2) -> float:
    """Multiplications and additions of the matrix products of one training of 50 epochs.

    Forward and gradient take every weight once each, backward all but the first layer's.
    """
    sizes = (inputs, *structure, 1)
    weights = [a * b for a, b in pairwise(sizes)]
    products = 3 * sum(weights) - weights[0]
    return 2.0 * products * POINTS_A_STEP * STEPS
