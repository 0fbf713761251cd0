"""Vector types and operations for numba kernels.

A *block* is `BLOCK` float32 values, one activation (or delta) for each of `BLOCK` points. LLVM
keeps a block in `BLOCK / LANES` vector registers and turns each operation below into that many
machine instructions, so a kernel reads like its formula and runs at the speed of hand-written SIMD.
Scalar loops would depend on LLVM's loop vectoriser, which often fails on reductions and must prove
that arrays do not overlap.

There is no fast-math: every operation rounds according to IEEE 754, in the order written, so that
results have the same bits in every batch, and NaN stays NaN. Indices are not checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from workers.kernel.instruction_set import chosen_instruction_set

type_float = ir.FloatType()
type_int32 = ir.IntType(32)
type_int64 = ir.IntType(64)


_CHOSEN = chosen_instruction_set()
INSTRUCTION_SET, LANES, BLOCK = _CHOSEN.name, _CHOSEN.lanes, _CHOSEN.block
STRIPE = _CHOSEN.stripe
REGISTERS = BLOCK // LANES
"""Number of vector registers in a block."""

VECTOR_REGISTERS = _CHOSEN.registers
"""Number of vector registers of the processor."""

PIECE = VECTOR_REGISTERS // 4 * LANES
"""Points per step in code that keeps many values per point and forms no sums over points."""


class FloatVector(types.Type):  # type: ignore[misc]  # numba has no type stubs
    """The numba type of `count` float32 values in registers."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"float32x{count}")


@register_model(FloatVector)
class _FloatVectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, dmm: Any, fe_type: FloatVector) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(type_float, fe_type.count))


block_type = FloatVector(BLOCK)
piece_type = FloatVector(PIECE)
lanes_type = FloatVector(LANES)


def aligned_zeros(count: int) -> NDArray[np.float32]:
    """Return float32 zeros [count] aligned to 64 bytes, as `load` requires."""
    raw = np.zeros(count + 16, np.float32)
    start = (-raw.ctypes.data // 4) % 16
    return raw[start : start + count]


def constant_of(kind: ir.VectorType, value: float) -> ir.Constant:
    """Return an LLVM constant with the value in every element."""
    return ir.Constant(kind, [float(np.float32(value))] * kind.count)


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Generate a * b + c with one rounding."""
    kind = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fma.v{a.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


def shuffled(builder: Any, a: Any, b: Any, indices: list[int]) -> Any:
    """Generate a vector of elements of `a`, and of `b` where an index is at least a's length."""
    mask = ir.Constant(ir.VectorType(type_int32, len(indices)), indices)
    return builder.shuffle_vector(a, b, mask)


def broadcast(builder: Any, scalar: Any, count: int) -> Any:
    """Generate a vector with the scalar in every element."""
    undefined = ir.Constant(ir.VectorType(type_float, count), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(type_int32, 0))
    return shuffled(builder, first, undefined, [0] * count)


def registers_of(builder: Any, vector: Any) -> list[Any]:
    """Generate the list of a vector's registers."""
    undefined = ir.Constant(vector.type, ir.Undefined)
    return [
        shuffled(builder, vector, undefined, list(range(first, first + LANES)))
        for first in range(0, vector.type.count, LANES)
    ]


def larger(builder: Any, a: Any, b: Any) -> Any:
    """Generate max(a, b) as one machine instruction; a NaN in `a` gives b."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def element_pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Generate a pointer to an element of an array of the given numba type."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


def _loader(vector: FloatVector) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def load(typing_context: Any, array: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            element = element_pointer(context, builder, signature.args[0], args[0], args[1])
            pointer = builder.bitcast(element, ir.VectorType(type_float, vector.count).as_pointer())
            return builder.load(pointer, align=4 * LANES)

        return vector(array, types.int64), generate

    return load


def _storer(vector: FloatVector) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def store(typing_context: Any, array: Any, start: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            element = element_pointer(context, builder, signature.args[0], args[0], args[1])
            pointer = builder.bitcast(element, ir.VectorType(type_float, vector.count).as_pointer())
            builder.store(args[2], pointer, align=4 * LANES)
            return context.get_dummy_value()

        return types.void(array, types.int64, vector), generate

    return store


def _splatter(vector: FloatVector) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def splat(typing_context: Any, scalar: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return broadcast(builder, args[0], vector.count)

        return vector(types.float32), generate

    return splat


load = _loader(block_type)
"""load(array, start) -> block: array[start : start + BLOCK]; `start` is a multiple of LANES."""
store = _storer(block_type)
"""store(array, start, block): the reverse of `load`."""
splat = _splatter(block_type)
"""splat(scalar) -> block: the scalar in every element."""
load_piece = _loader(piece_type)
"""load_piece(array, start) -> piece: array[start : start + PIECE]."""
store_piece = _storer(piece_type)
"""store_piece(array, start, piece): the reverse of `load_piece`."""
splat_piece = _splatter(piece_type)
"""splat_piece(scalar) -> piece: the scalar in every element."""
load_lanes = _loader(lanes_type)
"""load_lanes(array, start) -> one register of floats."""
store_lanes = _storer(lanes_type)
"""store_lanes(array, start, register): the reverse of `load_lanes`."""
splat_lanes = _splatter(lanes_type)
"""splat_lanes(scalar) -> register: the scalar in every lane."""


@intrinsic  # type: ignore[untyped-decorator]
def item(typing_context: Any, array: Any, index: Any) -> Any:
    """The element array[index], without numba's test for a negative index."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(element_pointer(context, builder, signature.args[0], args[0], args[1]))

    return array.dtype(array, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c with one rounding, for blocks, pieces or registers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return fused(builder, *args)

    return a(a, a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def add(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a + b, for blocks, pieces or registers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(args[0], args[1])

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def subtract(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a - b, for blocks, pieces or registers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fsub(args[0], args[1])

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def multiply(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a * b, for blocks, pieces or registers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(args[0], args[1])

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def divide(typing_context: Any, a: Any, b: Any) -> Any:
    """Return a / b, for blocks, pieces or registers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fdiv(args[0], args[1])

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def maximum(typing_context: Any, a: Any, b: Any) -> Any:
    """Return max(a, b), for blocks, pieces or registers; a NaN in `a` gives b."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return larger(builder, args[0], args[1])

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def magnitude(typing_context: Any, a: Any) -> Any:
    """Return |a|, for blocks, pieces or registers; NaN stays NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return larger(builder, args[0], builder.fneg(args[0]))

    return a(a), generate


@intrinsic  # type: ignore[untyped-decorator]
def relu(typing_context: Any, z: Any) -> Any:
    """Return max(z, 0). NaN gives 0; divergence is detected on the weights, which stay NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return larger(builder, args[0], constant_of(args[0].type, 0.0))

    return z(z), generate


@intrinsic  # type: ignore[untyped-decorator]
def where_positive(typing_context: Any, a: Any, value: Any) -> Any:
    """Return `value` where a > 0, else 0: the derivative of ReLU applied to `value`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = constant_of(args[0].type, 0.0)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[1], zero)

    return value(a, value), generate


@intrinsic  # type: ignore[untyped-decorator]
def where_equal(typing_context: Any, a: Any, b: Any, value: Any, other: Any) -> Any:
    """Return `value` where a == b, else `other`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("==", args[0], args[1]), args[2], args[3])

    return value(a, a, value, value), generate


@intrinsic  # type: ignore[untyped-decorator]
def where_greater(typing_context: Any, a: Any, b: Any, value: Any, other: Any) -> Any:
    """Return `value` where a > b, else `other`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return value(a, a, value, value), generate


@intrinsic  # type: ignore[untyped-decorator]
def fold(typing_context: Any, a: Any) -> Any:
    """Return a register whose lanes sum to the sum of a block."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        parts = registers_of(builder, args[0])
        while len(parts) > 1:
            parts = [builder.fadd(parts[i], parts[i + 1]) for i in range(0, len(parts), 2)]
        return parts[0]

    return lanes_type(a), generate


@intrinsic  # type: ignore[untyped-decorator]
def any_bit(typing_context: Any, a: Any) -> Any:
    """Return whether any element differs from +0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(32 * a.count))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(a), generate


@intrinsic  # type: ignore[untyped-decorator]
def lane_sum(typing_context: Any, a: Any) -> Any:
    """Return the sum of a register's lanes, halving the register at each step."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums = args[0]
        half = LANES // 2
        while half:
            low, high = list(range(half)), list(range(half, 2 * half))
            sums = builder.fadd(
                shuffled(builder, sums, sums, low), shuffled(builder, sums, sums, high)
            )
            half //= 2
        return builder.extract_element(sums, ir.Constant(type_int32, 0))

    return types.float32(lanes_type), generate


@intrinsic  # type: ignore[untyped-decorator]
def row_sums(typing_context: Any, array: Any, start: Any) -> Any:
    """Return the lane sums of LANES consecutive registers in memory, as one register.

    Lane i is the sum of array[start + i * LANES : start + (i + 1) * LANES]. All sums are formed
    together, halving the number of registers at each level, with a third of the instructions of
    separate horizontal sums.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = []
        for r in range(LANES):
            index = builder.add(args[1], ir.Constant(type_int64, r * LANES))
            element = element_pointer(context, builder, signature.args[0], args[0], index)
            pointer = builder.bitcast(element, ir.VectorType(type_float, LANES).as_pointer())
            rows.append(builder.load(pointer, align=4 * LANES))
        while len(rows) > 1:
            half = len(rows) // 2
            # Lanes with this bit clear continue row r, those with it set row r + half.
            low = [LANES + i if i & half else i for i in range(LANES)]
            high = [LANES + i - half if i & half else i + half for i in range(LANES)]
            rows = [
                builder.fadd(
                    shuffled(builder, rows[r], rows[r + half], low),
                    shuffled(builder, rows[r], rows[r + half], high),
                )
                for r in range(half)
            ]
        return rows[0]

    return lanes_type(array, types.int64), generate
