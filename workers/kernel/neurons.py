"""One neuron over a stripe of points: its activations, its deltas, the gradient of its edges.

Edges are taken a few at a time. Their weights and the sums of their gradients stay in registers
while the stripe streams by, a register of points after the other, in code written out for so many
edges and for `STRIPE` points; a jump chooses it once for a neuron.

A *row* is one feature, activation or delta of a stripe's points. Sums are formed block by block
(`workers.kernel.simd.BLOCK`), whatever a stripe holds: bits depend on the block, speed on the
stripe.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from workers.kernel.simd import (
    LANES,
    REGISTERS,
    VECTOR_REGISTERS,
    broadcast,
    constant_of,
    fused,
    larger,
    place_of,
    type_int32,
)
from workers.kernel.written_out import (
    BlockProduct,
    BlockSum,
    Row,
    Slopes,
    blocks_of_stripe,
    constant,
    edge_slopes,
    element,
    few_at_a_time,
    register_type,
    row_starts,
    splatted_weights,
)

# Edges taken at a time. Going forward, each keeps its weight in a register; going back, the sums
# of its gradient as well, in two. More at a time need fewer passes over the neuron's own row, until
# the registers run out (`python -m benchmarks kernel`).
_FORWARD = 8
_BACKWARD = 3 if VECTOR_REGISTERS == 16 else 4
_FROM_INPUTS = 4

_bits_type = ir.VectorType(type_int32, LANES)
_floats = types.CPointer(types.float32)
_integers = types.CPointer(types.int64)


@intrinsic  # type: ignore[untyped-decorator]
def at(typing_context: Any, array: Any, index: Any) -> Any:
    """Pointer to array[index]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return place_of(context, builder, signature.args[0], args[0], args[1])

    return types.CPointer(array.dtype)(array, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def activate(
    typing_context: Any,
    sources: Any,
    rows: Any,
    edges: Any,
    weights: Any,
    count: Any,
    bias: Any,
    floor: Any,
    own: Any,
) -> Any:
    """A neuron's weighted sum, cut off below: ReLU with a floor of 0, no function with -inf.

    sources: pointer to float32, where row 0 of its sources begins.
    rows: pointer to int64 [count], the numbers of its sources' rows.
    edges: pointer to int64 [count], the places of its incoming edges among the weights.
    weights: pointer to float32, the network's weights.
    count: its incoming edges.
    bias: float32.
    floor: float32; it takes the place of NaN, too.
    own: pointer to float32 [STRIPE], its row, written.

    Returns whether any of its values has any bit: with ReLU, whether it is alive.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sources, rows, edges, weights, count, bias, floor, own = args
        bias_everywhere = broadcast(builder, bias, LANES)
        floor_everywhere = broadcast(builder, floor, LANES)
        # Of all values, one over the other.
        bits = cgutils.alloca_once(builder, _bits_type)
        builder.store(ir.Constant(_bits_type, [0] * LANES), bits)

        def emit(first: Any, number: int, begins: bool, ends: bool) -> None:
            places = [builder.add(first, constant(i)) for i in range(number)]
            chosen = [element(builder, edges, place) for place in places]
            splats = splatted_weights(builder, weights, chosen)
            starts = row_starts(builder, sources, rows, places)
            with blocks_of_stripe(builder) as (point, _):
                own_row = Row(builder, own, point)
                source_rows = [Row(builder, start, point) for start in starts]
                for register in range(REGISTERS):
                    z = bias_everywhere if begins else own_row[register]
                    for splat, source in zip(splats, source_rows, strict=True):
                        z = fused(builder, splat, source[register], z)
                    if ends:
                        z = larger(builder, z, floor_everywhere)
                        seen = builder.or_(builder.load(bits), builder.bitcast(z, _bits_type))
                        builder.store(seen, bits)
                    own_row[register] = z

        few_at_a_time(builder, count, _FORWARD, emit)
        all_bits = builder.bitcast(builder.load(bits), ir.IntType(32 * LANES))
        return builder.icmp_unsigned("!=", all_bits, ir.Constant(all_bits.type, 0))

    arguments = (
        *(_floats, _integers, _integers, _floats, types.int64),
        *(types.float32, types.float32, _floats),
    )
    return types.boolean(*arguments), generate


@intrinsic  # type: ignore[untyped-decorator]
def backpropagate(
    typing_context: Any,
    targets: Any,
    rows: Any,
    edges: Any,
    weights: Any,
    count: Any,
    own: Any,
    partial: Any,
    gradient: Any,
    bias_gradient: Any,
    fresh: Any,
) -> Any:
    """A hidden neuron's deltas, and the gradient of its outgoing edges and of its bias.

    targets: pointer to float32, where row 0 of the targets' deltas begins.
    rows: pointer to int64 [count], the numbers of its targets' rows.
    edges: pointer to int64 [count], the places of its outgoing edges among the weights.
    weights: pointer to float32, the network's weights.
    count: its outgoing edges.
    own: pointer to float32 [STRIPE], its activations, none of them negative or NaN; its deltas
        take their place.
    partial: pointer to float32 [STRIPE], scratch.
    gradient: pointer to float32, a register of partial sums a weight; those of its edges are
        added to.
    bias_gradient: pointer to float32, the register of its bias, added to.
    fresh: bool, whether the gradient is written anew instead.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        targets, rows, edges, weights, count, own, partial, gradient, bias_gradient, fresh = args
        zero = constant_of(register_type, 0.0)

        def emit(first: Any, number: int, begins: bool, ends: bool) -> None:
            places = [builder.add(first, constant(i)) for i in range(number)]
            chosen = [element(builder, edges, place) for place in places]
            splats = splatted_weights(builder, weights, chosen)
            starts = row_starts(builder, targets, rows, places)
            places_of_slopes = edge_slopes(builder, gradient, chosen)
            if ends:
                places_of_slopes.append(bias_gradient)
            slopes = Slopes(builder, places_of_slopes, fresh)
            with blocks_of_stripe(builder) as (point, _):
                own_row, partial_row = Row(builder, own, point), Row(builder, partial, point)
                target_rows = [Row(builder, start, point) for start in starts]
                products = [BlockProduct(builder) for _ in range(number)]
                sums = BlockSum(builder)
                for register in range(REGISTERS):
                    activation = own_row[register]
                    delta = zero if begins else partial_row[register]
                    for splat, row, product in zip(splats, target_rows, products, strict=True):
                        target = row[register]
                        delta = fused(builder, splat, target, delta)
                        product.add(register, activation, target)
                    if ends:
                        positive = builder.fcmp_ordered(">", activation, zero)
                        delta = builder.select(positive, delta, zero)
                        own_row[register] = delta
                        sums.add(delta)
                    else:
                        partial_row[register] = delta
                values = [product.value() for product in products]
                if ends:
                    values.append(sums.value())
                slopes.add(values)
            slopes.store()

        few_at_a_time(builder, count, _BACKWARD, emit)
        return context.get_dummy_value()

    arguments = (
        *(_floats, _integers, _integers, _floats, types.int64),
        *(_floats, _floats, _floats, _floats, types.boolean),
    )
    return types.void(*arguments), generate


@intrinsic  # type: ignore[untyped-decorator]
def backpropagate_to_input(
    typing_context: Any,
    targets: Any,
    rows: Any,
    edges: Any,
    count: Any,
    own: Any,
    gradient: Any,
    fresh: Any,
) -> Any:
    """The gradient of an input's outgoing edges. An input has no deltas.

    Arguments as for `backpropagate`; `own` has the input's values and is left as it is.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        targets, rows, edges, count, own, gradient, fresh = args

        def emit(first: Any, number: int, begins: bool, ends: bool) -> None:
            places = [builder.add(first, constant(i)) for i in range(number)]
            chosen = [element(builder, edges, place) for place in places]
            starts = row_starts(builder, targets, rows, places)
            slopes = Slopes(builder, edge_slopes(builder, gradient, chosen), fresh)
            with blocks_of_stripe(builder) as (point, _):
                own_row = Row(builder, own, point)
                target_rows = [Row(builder, start, point) for start in starts]
                products = [BlockProduct(builder) for _ in range(number)]
                for register in range(REGISTERS):
                    value = own_row[register]
                    for row, product in zip(target_rows, products, strict=True):
                        product.add(register, value, row[register])
                slopes.add([product.value() for product in products])
            slopes.store()

        few_at_a_time(builder, count, _FROM_INPUTS, emit)
        return context.get_dummy_value()

    arguments = (_floats, _integers, _integers, types.int64, _floats, _floats, types.boolean)
    return types.void(*arguments), generate
