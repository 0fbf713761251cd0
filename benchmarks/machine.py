"""The machine's floating-point limit, measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
"""Number of steps of a training in the paper: 50 epochs of 390."""


_CHAINS = 12
"""Number of independent chains of multiply-adds. Two units of four or five stages need 8 or 10;
with the two operands, 12 fit into 16 registers. More would spill and measure the cache."""


@intrinsic  # type: ignore[untyped-decorator]
def _multiply_adds(typing_context: Any, rounds: Any, values: Any) -> Any:
    """Run chains of `rounds` multiply-adds on registers; the results overwrite `values`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rounds, values = args
        kind = ir.VectorType(simd.type_float, LANES)
        first = simd.element_pointer(
            context, builder, signature.args[1], values, ir.Constant(simd.type_int64, 0)
        )
        registers = builder.bitcast(first, kind.as_pointer())
        pointers = [
            builder.gep(registers, [ir.Constant(simd.type_int64, r)]) for r in range(_CHAINS + 2)
        ]
        factor, summand, *chains = [builder.load(pointer, align=4 * LANES) for pointer in pointers]
        sums = [cgutils.alloca_once_value(builder, chain) for chain in chains]
        with cgutils.for_range(builder, rounds):
            for total in sums:
                builder.store(simd.fused(builder, factor, builder.load(total), summand), total)
        for pointer, total in zip(pointers[2:], sums, strict=True):
            builder.store(builder.load(total), pointer, align=4 * LANES)
        return context.get_dummy_value()

    return types.void(types.int64, values), generate


@compiled
def _run(rounds, values):  # type: ignore[no-untyped-def]
    _multiply_adds(rounds, values)


def peak_flops() -> float:
    """Return one core's floating-point operations per second, the best of ten runs."""
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


def training_flops(weights: Sequence[int], steps: int = STEPS) -> float:
    """Return the multiplications and additions of one training's matrix products.

    The forward pass and the gradient use every weight once, the deltas all but the first layer's.
    """
    products = 3 * sum(weights) - weights[0]
    return 2.0 * products * POINTS_A_STEP * steps
