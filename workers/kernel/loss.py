"""Binary cross-entropy on blocks: loss, gradient and correctness of a logit; exp and log."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from workers.kernel.simd import constant_of, fused, larger, operation, type_int32

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


@operation
def log_of(builder: Any, z: Any) -> Any:
    """Return log z for finite z >= 1; relative error below 2e-7.

    z = 2^n f with sqrt(1/2) <= f < sqrt(2), and log f = 2 artanh(s), s = (f - 1) / (f + 1).
    """
    integers = ir.VectorType(type_int32, z.type.count)

    def every(value: int) -> ir.Constant:
        return ir.Constant(integers, [value] * z.type.count)

    bits = builder.bitcast(z, integers)
    exponent = builder.ashr(builder.sub(bits, every(_SQRT_HALF)), every(23))
    f = builder.bitcast(builder.sub(bits, builder.shl(exponent, every(23))), z.type)
    one = constant_of(z.type, 1.0)
    s = builder.fdiv(builder.fsub(f, one), builder.fadd(f, one))
    n = builder.sitofp(exponent, z.type)
    # |s| <= 0.172: five terms leave 1e-9.
    return fused(builder, n, constant_of(z.type, np.log(2.0)), _twice_artanh(builder, s, 9))


exp_of_minus = operation(_exp_of_minus)


def _twice_artanh(builder: Any, s: Any, degree: int) -> Any:
    """Generate 2 artanh(s) by its Taylor polynomial of an odd degree."""
    square = builder.fmul(s, s)
    series = constant_of(s.type, 2 / degree)
    for odd in range(degree - 2, 0, -2):
        series = fused(builder, series, square, constant_of(s.type, 2 / odd))
    return builder.fmul(series, s)


def delta_of(builder: Any, logit: Any, label: Any, scale: Any) -> Any:
    """Generate (sigmoid(logit) - label) * scale, the gradient of binary cross-entropy.

    Works on vectors of any length.
    """
    one = constant_of(logit.type, 1.0)
    sigmoid = builder.fdiv(one, builder.fadd(one, _exp_of_minus(builder, logit)))
    return builder.fmul(builder.fsub(sigmoid, label), scale)


@operation
def cross_entropy(builder: Any, z: Any, label: Any, scale: Any) -> Any:
    """Return the binary cross-entropy times scale: max(z, 0) - z y + log(1 + exp(-|z|))."""
    e = _exp_of_minus(builder, larger(builder, z, builder.fneg(z)))
    # log(1 + e) = 2 artanh(s), s = e / (2 + e) <= 1/3: seven terms leave 1e-8.
    s = builder.fdiv(e, builder.fadd(constant_of(z.type, 2.0), e))
    log_term = _twice_artanh(builder, s, 15)
    positive = larger(builder, z, constant_of(z.type, 0.0))
    linear = fused(builder, builder.fneg(z), label, positive)
    return builder.fmul(builder.fadd(linear, log_term), scale)


@operation
def correct(builder: Any, logit: Any, label: Any, scale: Any) -> Any:
    """Return `scale` where the prediction (class 1 when logit > 0) equals the label, else 0."""
    zero = constant_of(logit.type, 0.0)
    predicted = builder.fcmp_ordered(">", logit, zero)
    wanted = builder.fcmp_ordered(">", label, constant_of(logit.type, 0.5))
    return builder.select(builder.xor(predicted, wanted), zero, scale)
