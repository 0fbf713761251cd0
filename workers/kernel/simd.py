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

from collections.abc import Callable
from functools import partial, wraps
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


def _vector_pointer(count: int, context: Any, builder: Any, *element: Any) -> Any:
    """Generate a pointer to `count` elements; see `element_pointer` for the other arguments."""
    pointer = element_pointer(context, builder, *element)
    return builder.bitcast(pointer, ir.VectorType(type_float, count).as_pointer())


def operation(generate: Callable[..., Any], result: Any = None) -> Any:
    """Return an intrinsic that compiled code calls like a function of its operands.

    `generate` writes its code, given a builder and the operands' values, and returns the value of
    the result, or None for types.void. `result` is the result's numba type; None for that of the
    last operand.
    """

    @wraps(generate)
    def typed(typing_context: Any, *operands: Any) -> Any:
        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = generate(builder, *args)
            return context.get_dummy_value() if value is None else value

        return (result or operands[-1])(*operands), write

    return intrinsic(typed)


def _access(vector: FloatVector) -> tuple[Any, Any, Any]:
    """Return the intrinsics that load, store and splat vectors of a type."""

    @intrinsic  # type: ignore[untyped-decorator]
    def load(typing_context: Any, array: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _vector_pointer(vector.count, context, builder, signature.args[0], *args)
            return builder.load(pointer, align=4 * LANES)

        return vector(array, types.int64), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def store(typing_context: Any, array: Any, start: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            *place, value = args
            pointer = _vector_pointer(vector.count, context, builder, signature.args[0], *place)
            builder.store(value, pointer, align=4 * LANES)
            return context.get_dummy_value()

        return types.void(array, types.int64, vector), generate

    def splat(builder: Any, scalar: Any) -> Any:
        return broadcast(builder, scalar, vector.count)

    return load, store, operation(splat, vector)


load, store, splat = _access(block_type)
load_piece, store_piece, splat_piece = _access(piece_type)
load_lanes, store_lanes, splat_lanes = _access(lanes_type)
"""load(array, start): the vector array[start : start + length], `start` a multiple of LANES;
store(array, start, vector): the reverse; splat(float32): the vector with it in every element."""


@intrinsic  # type: ignore[untyped-decorator]
def item(typing_context: Any, array: Any, index: Any) -> Any:
    """The element array[index], without numba's test for a negative index."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(element_pointer(context, builder, signature.args[0], *args))

    return array.dtype(array, types.int64), generate


# For blocks, pieces or registers, element by element.
fma = operation(fused)
add = operation(lambda builder, a, b: builder.fadd(a, b))
subtract = operation(lambda builder, a, b: builder.fsub(a, b))
multiply = operation(lambda builder, a, b: builder.fmul(a, b))
divide = operation(lambda builder, a, b: builder.fdiv(a, b))
maximum = operation(larger)
magnitude = operation(lambda builder, a: larger(builder, a, builder.fneg(a)))
"""|a|; NaN stays NaN."""


@operation
def relu(builder: Any, z: Any) -> Any:
    """Return max(z, 0). NaN gives 0; divergence is detected on the weights, which stay NaN."""
    return larger(builder, z, constant_of(z.type, 0.0))


@operation
def where_positive(builder: Any, a: Any, value: Any) -> Any:
    """Return `value` where a > 0, else 0: the derivative of ReLU applied to `value`."""
    zero = constant_of(a.type, 0.0)
    return builder.select(builder.fcmp_ordered(">", a, zero), value, zero)


@operation
def where_equal(builder: Any, a: Any, b: Any, value: Any, other: Any) -> Any:
    """Return `value` where a == b, else `other`."""
    return builder.select(builder.fcmp_ordered("==", a, b), value, other)


@operation
def where_greater(builder: Any, a: Any, b: Any, value: Any, other: Any) -> Any:
    """Return `value` where a > b, else `other`."""
    return builder.select(builder.fcmp_ordered(">", a, b), value, other)


@partial(operation, result=lanes_type)
def fold(builder: Any, a: Any) -> Any:
    """Return a register whose lanes sum to the sum of a block."""
    parts = registers_of(builder, a)
    while len(parts) > 1:
        parts = [builder.fadd(parts[i], parts[i + 1]) for i in range(0, len(parts), 2)]
    return parts[0]


@partial(operation, result=types.boolean)
def any_bit(builder: Any, a: Any) -> Any:
    """Return whether any element differs from +0."""
    bits = builder.bitcast(a, ir.IntType(32 * a.type.count))
    return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


@partial(operation, result=types.float32)
def lane_sum(builder: Any, sums: Any) -> Any:
    """Return the sum of a register's lanes, halving the register at each step."""
    half = LANES // 2
    while half:
        low, high = list(range(half)), list(range(half, 2 * half))
        sums = builder.fadd(shuffled(builder, sums, sums, low), shuffled(builder, sums, sums, high))
        half //= 2
    return builder.extract_element(sums, ir.Constant(type_int32, 0))


@intrinsic  # type: ignore[untyped-decorator]
def row_sums(typing_context: Any, array: Any, start: Any) -> Any:
    """Return the lane sums of LANES consecutive registers in memory, as one register.

    Lane i is the sum of array[start + i * LANES : start + (i + 1) * LANES]. All sums are formed
    together, halving the number of registers at each level, with a third of the instructions of
    separate horizontal sums.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = _vector_pointer(LANES, context, builder, signature.args[0], *args)
        rows = []
        for r in range(LANES):
            pointer = builder.gep(first, [ir.Constant(type_int64, r)])
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
