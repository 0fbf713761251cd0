"""One neuron over a stripe of points: its activations, its deltas, the gradient of its edges.

Edges are taken a few at a time. Their weights and the sums of their gradients stay in registers
while the stripe streams by, a register of points after the other, in code written out for so many
edges and for `STRIPE` points; a jump chooses it once for a neuron.

A *row* is one feature, activation or delta of a stripe's points. Sums are formed block by block
(`workers.kernel.simd.BLOCK`), whatever a stripe holds: bits depend on the block, speed on the
stripe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from workers.kernel.simd import (
    BLOCK,
    LANES,
    REGISTERS,
    STRIPE,
    VECTOR_REGISTERS,
    broadcast,
    constant_of,
    fused,
    larger,
    place_of,
    type_float,
    type_int32,
    type_int64,
)

# Edges taken at a time. Going forward, each keeps its weight in a register; going back, the sums
# of its gradient as well, in two. More at a time need fewer passes over the neuron's own row, until
# the registers run out (`python -m benchmarks kernel`).
_FORWARD = 8
_BACKWARD = 3 if VECTOR_REGISTERS == 16 else 4
_FROM_INPUTS = 4

_register_type = ir.VectorType(type_float, LANES)
_bits_type = ir.VectorType(type_int32, LANES)
_floats = types.CPointer(types.float32)
_integers = types.CPointer(types.int64)


@intrinsic  # type: ignore[untyped-decorator]
def at(typing_context: Any, array: Any, index: Any) -> Any:
    """Pointer to array[index]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return place_of(context, builder, signature.args[0], args[0], args[1])

    return types.CPointer(array.dtype)(array, types.int64), generate


def _constant(value: int) -> ir.Constant:
    return ir.Constant(type_int64, value)


def _element(builder: Any, pointer: Any, index: Any) -> Any:
    return builder.load(builder.gep(pointer, [index]))


class _Row:
    """Reads and writes a row's registers, by their number in the block.

    Args:
        builder: where the code goes.
        first: pointer to float32, where the row begins.
        point: int64, the block's first point.
    """

    def __init__(self, builder: Any, first: Any, point: Any) -> None:
        self._builder = builder
        self._first = builder.bitcast(builder.gep(first, [point]), _register_type.as_pointer())

    def __getitem__(self, register: int) -> Any:
        place = self._builder.gep(self._first, [_constant(register)])
        return self._builder.load(place, align=4 * LANES)

    def __setitem__(self, register: int, value: Any) -> None:
        place = self._builder.gep(self._first, [_constant(register)])
        self._builder.store(value, place, align=4 * LANES)


def _blocks(builder: Any) -> Any:
    """A loop over the blocks of a stripe, which LLVM unrolls where the block's code is short."""
    return cgutils.for_range_slice(builder, _constant(0), _constant(STRIPE), _constant(BLOCK))


def _starts(builder: Any, base: Any, numbers: Any, places: list[Any]) -> list[Any]:
    """Pointers to the rows numbers[place] of those that begin at `base`."""
    offsets = [
        builder.mul(_element(builder, numbers, place), _constant(STRIPE)) for place in places
    ]
    return [builder.gep(base, [offset]) for offset in offsets]


class _Slopes:
    """The registers of partial sums of some parameters' gradient, to which blocks are added.

    Args:
        builder: where the code goes.
        places: pointers to float32, the registers in memory.
        fresh: bool, whether the stripe is the batch's first: what lies there is of another batch.
    """

    def __init__(self, builder: Any, places: list[Any], fresh: Any) -> None:
        self._builder = builder
        self._memory = [builder.bitcast(place, _register_type.as_pointer()) for place in places]
        # Adding to -0 changes no bit, not even the sign of a zero.
        nothing = constant_of(_register_type, -0.0)
        self._sums = [cgutils.alloca_once(builder, _register_type) for _ in places]
        with builder.if_else(fresh) as (begun, gone_on):
            with begun:
                for sums in self._sums:
                    builder.store(nothing, sums)
            with gone_on:
                for sums, memory in zip(self._sums, self._memory, strict=True):
                    builder.store(builder.load(memory, align=4 * LANES), sums)

    def add(self, values: list[Any]) -> None:
        """Adds the sums of one block."""
        for sums, value in zip(self._sums, values, strict=True):
            self._builder.store(self._builder.fadd(self._builder.load(sums), value), sums)

    def store(self) -> None:
        """Writes the sums."""
        for memory, sums in zip(self._memory, self._sums, strict=True):
            self._builder.store(self._builder.load(sums), memory, align=4 * LANES)


def _edge_slopes(builder: Any, gradient: Any, edges: list[Any]) -> list[Any]:
    """Pointers to the registers of weights, given their places."""
    return [builder.gep(gradient, [builder.mul(edge, _constant(LANES))]) for edge in edges]


class _BlockProduct:
    """The inner product of two blocks, register by register."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        # Two chains of additions: one alone would wait for its own last result.
        self._chains: list[Any] = [None, None]

    def add(self, register: int, a: Any, b: Any) -> None:
        """Takes in the product of the blocks' registers of this number."""
        before = self._chains[register % 2]
        self._chains[register % 2] = (
            self._builder.fmul(a, b) if before is None else fused(self._builder, a, b, before)
        )

    def value(self) -> Any:
        """The register whose lanes sum to the product."""
        return self._builder.fadd(*self._chains)


class _BlockSum:
    """The sum of a block, register by register, as `workers.kernel.simd.fold`."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._parts: list[tuple[int, Any]] = []

    def add(self, value: Any) -> None:
        """Takes in the block's next register."""
        self._parts.append((1, value))
        while len(self._parts) > 1 and self._parts[-1][0] == self._parts[-2][0]:
            (size, right), (_, left) = self._parts.pop(), self._parts.pop()
            self._parts.append((2 * size, self._builder.fadd(left, right)))

    def value(self) -> Any:
        """The register whose lanes sum to the sum of the block."""
        return self._parts[0][1]


def _few_at_a_time(
    builder: Any, count: Any, most: int, emit: Callable[[Any, int, bool, bool], None]
) -> None:
    """Code for a number of edges that is known when it runs, some of them at a time.

    Args:
        builder: where the code goes.
        count: int64, the number of edges.
        most: edges at a time.
        emit: writes the code for (the first edge's number, how many, whether they are the first
            of all, whether they are the last).
    """

    def last(first: Any, left: Any, fewest: int, begins: bool) -> None:
        done = builder.append_basic_block("edges.done")
        numbers = range(fewest, most + 1)
        cases = {number: builder.append_basic_block(f"edges.{number}") for number in numbers}
        switch = builder.switch(left, cases[most])
        for number, case in cases.items():
            if number < most:
                switch.add_case(_constant(number), case)
            builder.position_at_end(case)
            emit(first, number, begins, True)
            builder.branch(done)
        builder.position_at_end(done)

    with builder.if_else(builder.icmp_signed(">", count, _constant(most))) as (many, few):
        with many:
            before_last = builder.sdiv(builder.sub(count, _constant(1)), _constant(most))
            first_of_last = builder.mul(before_last, _constant(most))
            emit(_constant(0), most, True, False)
            with cgutils.for_range_slice(
                builder, _constant(most), first_of_last, _constant(most)
            ) as (first, _):
                emit(first, most, False, False)
            last(first_of_last, builder.sub(count, first_of_last), 1, False)
        with few:
            last(_constant(0), count, 0, True)


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
            places = [builder.add(first, _constant(i)) for i in range(number)]
            chosen = [_element(builder, edges, place) for place in places]
            splats = [
                broadcast(builder, _element(builder, weights, edge), LANES) for edge in chosen
            ]
            starts = _starts(builder, sources, rows, places)
            with _blocks(builder) as (point, _):
                own_row = _Row(builder, own, point)
                source_rows = [_Row(builder, start, point) for start in starts]
                for register in range(REGISTERS):
                    z = bias_everywhere if begins else own_row[register]
                    for splat, source in zip(splats, source_rows, strict=True):
                        z = fused(builder, splat, source[register], z)
                    if ends:
                        z = larger(builder, z, floor_everywhere)
                        seen = builder.or_(builder.load(bits), builder.bitcast(z, _bits_type))
                        builder.store(seen, bits)
                    own_row[register] = z

        _few_at_a_time(builder, count, _FORWARD, emit)
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
        zero = constant_of(_register_type, 0.0)

        def emit(first: Any, number: int, begins: bool, ends: bool) -> None:
            places = [builder.add(first, _constant(i)) for i in range(number)]
            chosen = [_element(builder, edges, place) for place in places]
            splats = [
                broadcast(builder, _element(builder, weights, edge), LANES) for edge in chosen
            ]
            starts = _starts(builder, targets, rows, places)
            places_of_slopes = _edge_slopes(builder, gradient, chosen)
            if ends:
                places_of_slopes.append(bias_gradient)
            slopes = _Slopes(builder, places_of_slopes, fresh)
            with _blocks(builder) as (point, _):
                own_row, partial_row = _Row(builder, own, point), _Row(builder, partial, point)
                target_rows = [_Row(builder, start, point) for start in starts]
                products = [_BlockProduct(builder) for _ in range(number)]
                sums = _BlockSum(builder)
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

        _few_at_a_time(builder, count, _BACKWARD, emit)
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
            places = [builder.add(first, _constant(i)) for i in range(number)]
            chosen = [_element(builder, edges, place) for place in places]
            starts = _starts(builder, targets, rows, places)
            slopes = _Slopes(builder, _edge_slopes(builder, gradient, chosen), fresh)
            with _blocks(builder) as (point, _):
                own_row = _Row(builder, own, point)
                target_rows = [_Row(builder, start, point) for start in starts]
                products = [_BlockProduct(builder) for _ in range(number)]
                for register in range(REGISTERS):
                    value = own_row[register]
                    for row, product in zip(target_rows, products, strict=True):
                        product.add(register, value, row[register])
                slopes.add([product.value() for product in products])
            slopes.store()

        _few_at_a_time(builder, count, _FROM_INPUTS, emit)
        return context.get_dummy_value()

    arguments = (_floats, _integers, _integers, types.int64, _floats, _floats, types.boolean)
    return types.void(*arguments), generate
