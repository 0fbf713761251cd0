"""Binary cross-entropy on blocks: loss, gradient and correctness of a logit; exp and log."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from workers.kernel.simd import constant_of, fused, larger, type_int32

_SQRT_HALF = 0x3F3504F3
"""Bits of the float32 next to sqrt(1/2)."""


def _exp_of_minus(builder: Any, z: Any) -> Any:
    """Generate exp(-z), with z clipped to [-87, 87]; relative error below 2e-7.

    exp(-z) = 2^n exp(-r) with -z = n ln 2 - r and |r| <= ln(2) / 2: n by rounding, exp(-r) by its
    polynomial of degree 7, 2^n by adding n to the exponent bits. NaN gives exp(-87).
    """

    def constant(value: float) -> ir.Constant:
        return constant_of(z.type, value)

    z = builder.select(builder.fcmp_ordered("<", z, constant(87.0)), z, constant(87.0))
    z = larger(builder, z, constant(-87.0))
    # Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the float.
    rounder = constant(12582912.0)
    shifted = fused(builder, z, constant(-np.log2(np.e)), rounder)
    n = builder.fsub(shifted, rounder)
    # ln 2 in two parts; the first has few bits, so n * high is exact.
    high = 0.693359375
    r = fused(builder, n, constant(high), z)
    r = fused(builder, n, constant(np.log(2.0) - high), r)
    exp_of_minus_r = constant(-1 / 5040)
    for coefficient in (1 / 720, -1 / 120, 1 / 24, -1 / 6, 1 / 2, -1.0, 1.0):
        exp_of_minus_r = fused(builder, exp_of_minus_r, r, constant(coefficient))
    integers = ir.VectorType(type_int32, z.type.count)
    exponent = builder.shl(
        builder.bitcast(shifted, integers), ir.Constant(integers, [23] * z.type.count)
    )
    return builder.bitcast(builder.add(builder.bitcast(exp_of_minus_r, integers), exponent), z.type)


@intrinsic  # type: ignore[untyped-decorator]
def exp_of_minus(typing_context: Any, z: Any) -> Any:
    """Return exp(-z) for z clipped to [-87, 87]; relative error below 2e-7, exp(-87) for NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _exp_of_minus(builder, args[0])

    return z(z), generate


@intrinsic  # type: ignore[untyped-decorator]
def log_of(typing_context: Any, z: Any) -> Any:
    """Return log z for finite z >= 1; relative error below 2e-7.

    z = 2^n f with sqrt(1/2) <= f < sqrt(2), and log f = 2 artanh(s), s = (f - 1) / (f + 1).
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        integers = ir.VectorType(type_int32, kind.count)

        def every(value: int) -> ir.Constant:
            return ir.Constant(integers, [value] * kind.count)

        bits = builder.bitcast(args[0], integers)
        exponent = builder.ashr(builder.sub(bits, every(_SQRT_HALF)), every(23))
        f = builder.bitcast(builder.sub(bits, builder.shl(exponent, every(23))), kind)
        one = constant_of(kind, 1.0)
        s = builder.fdiv(builder.fsub(f, one), builder.fadd(f, one))
        square = builder.fmul(s, s)
        # |s| <= 0.172: five terms leave 1e-9.
        series = constant_of(kind, 2 / 9)
        for odd in (7, 5, 3, 1):
            series = fused(builder, series, square, constant_of(kind, 2 / odd))
        n = builder.sitofp(exponent, kind)
        return fused(builder, n, constant_of(kind, np.log(2.0)), builder.fmul(series, s))

    return z(z), generate


def delta_of(builder: Any, logit: Any, label: Any, scale: Any) -> Any:
    """Generate (sigmoid(logit) - label) * scale, the gradient of binary cross-entropy.

    Works on vectors of any length.
    """
    one = constant_of(logit.type, 1.0)
    sigmoid = builder.fdiv(one, builder.fadd(one, _exp_of_minus(builder, logit)))
    return builder.fmul(builder.fsub(sigmoid, label), scale)


@intrinsic  # type: ignore[untyped-decorator]
def cross_entropy(typing_context: Any, logit: Any, label: Any, scale: Any) -> Any:
    """Return the binary cross-entropy times scale: max(z, 0) - z y + log(1 + exp(-|z|))."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        z, y, scale_value = args
        size = larger(builder, z, builder.fneg(z))
        e = _exp_of_minus(builder, size)
        # log(1 + e) = 2 artanh(s), s = e / (2 + e) <= 1/3: seven terms leave 1e-8.
        s = builder.fdiv(e, builder.fadd(constant_of(z.type, 2.0), e))
        square = builder.fmul(s, s)
        series = constant_of(z.type, 2 / 15)
        for odd in (13, 11, 9, 7, 5, 3, 1):
            series = fused(builder, series, square, constant_of(z.type, 2 / odd))
        log_term = builder.fmul(series, s)
        positive = larger(builder, z, constant_of(z.type, 0.0))
        linear = fused(builder, builder.fneg(z), y, positive)
        return builder.fmul(builder.fadd(linear, log_term), scale_value)

    return logit(logit, logit, logit), generate


@intrinsic  # type: ignore[untyped-decorator]
def correct(typing_context: Any, logit: Any, label: Any, scale: Any) -> Any:
    """Return `scale` where the prediction (class 1 when logit > 0) equals the label, else 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        z, y, scale_value = args
        predicted = builder.fcmp_ordered(">", z, constant_of(z.type, 0.0))
        wanted = builder.fcmp_ordered(">", y, constant_of(z.type, 0.5))
        wrong = builder.xor(predicted, wanted)
        return builder.select(wrong, constant_of(z.type, 0.0), scale_value)

    return logit(logit, logit, logit), generate
