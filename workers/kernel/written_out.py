"""What code written out for a few edges is made of: rows, sums over blocks, a jump by number.

Everything here runs when the kernel is compiled, and writes LLVM's instructions with a builder. A
value of that code is whatever llvmlite has for it; pointers to float32 and int64 are plain ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from workers.kernel.simd import (
    BLOCK,
    LANES,
    STRIPE,
    broadcast,
    constant_of,
    fused,
    type_float,
    type_int64,
)

register_type = ir.VectorType(type_float, LANES)


def constant(value: int) -> ir.Constant:
    """An int64 known when the code is written."""
    return ir.Constant(type_int64, value)


def element(builder: Any, pointer: Any, index: Any) -> Any:
    """The value pointer[index]."""
    return builder.load(builder.gep(pointer, [index]))


class Row:
    """Reads and writes a row's registers, by their number in the block.

    Args:
        builder: where the code goes.
        first: pointer to float32, where the row begins.
        point: int64, the block's first point.
    """

    def __init__(self, builder: Any, first: Any, point: Any) -> None:
        self._builder = builder
        self._first = builder.bitcast(builder.gep(first, [point]), register_type.as_pointer())

    def __getitem__(self, register: int) -> Any:
        place = self._builder.gep(self._first, [constant(register)])
        return self._builder.load(place, align=4 * LANES)

    def __setitem__(self, register: int, value: Any) -> None:
        place = self._builder.gep(self._first, [constant(register)])
        self._builder.store(value, place, align=4 * LANES)


def blocks_of_stripe(builder: Any) -> Any:
    """A loop over the blocks of a stripe, which LLVM unrolls where the block's code is short."""
    return cgutils.for_range_slice(builder, constant(0), constant(STRIPE), constant(BLOCK))


def row_starts(builder: Any, base: Any, numbers: Any, places: list[Any]) -> list[Any]:
    """Pointers to the rows numbers[place] of those that begin at `base`."""
    offsets = [builder.mul(element(builder, numbers, place), constant(STRIPE)) for place in places]
    return [builder.gep(base, [offset]) for offset in offsets]


class Slopes:
    """The registers of partial sums of some parameters' gradient, to which blocks are added.

    Args:
        builder: where the code goes.
        places: pointers to float32, the registers in memory.
        fresh: bool, whether the stripe is the batch's first: what lies there is of another batch.
    """

    def __init__(self, builder: Any, places: list[Any], fresh: Any) -> None:
        self._builder = builder
        self._memory = [builder.bitcast(place, register_type.as_pointer()) for place in places]
        # Adding to -0 changes no bit, not even the sign of a zero.
        nothing = constant_of(register_type, -0.0)
        self._sums = [cgutils.alloca_once(builder, register_type) for _ in places]
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


def edge_slopes(builder: Any, gradient: Any, edges: list[Any]) -> list[Any]:
    """Pointers to the registers of weights, given their places."""
    return [builder.gep(gradient, [builder.mul(edge, constant(LANES))]) for edge in edges]


class BlockProduct:
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


class BlockSum:
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


def splatted_weights(builder: Any, weights: Any, edges: list[Any]) -> list[Any]:
    """The weights at some places, a register full of each."""
    return [broadcast(builder, element(builder, weights, edge), LANES) for edge in edges]


def few_at_a_time(
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
                switch.add_case(constant(number), case)
            builder.position_at_end(case)
            emit(first, number, begins, True)
            builder.branch(done)
        builder.position_at_end(done)

    with builder.if_else(builder.icmp_signed(">", count, constant(most))) as (many, few):
        with many:
            before_last = builder.sdiv(builder.sub(count, constant(1)), constant(most))
            first_of_last = builder.mul(before_last, constant(most))
            emit(constant(0), most, True, False)
            with cgutils.for_range_slice(
                builder, constant(most), first_of_last, constant(most)
            ) as (first, _):
                emit(first, most, False, False)
            last(first_of_last, builder.sub(count, first_of_last), 1, False)
        with few:
            last(constant(0), count, 0, True)
