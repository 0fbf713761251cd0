"""What code written out for a few edges is made of: instructions, rows, sums over blocks.

Everything here runs when the kernel is compiled, and writes LLVM's instructions with a builder. A
value of that code is whatever llvmlite has for it; pointers to float32 and int32 are plain ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from workers.kernel.instructions import END
from workers.kernel.simd import (
    BLOCK,
    LANES,
    STRIPE,
    broadcast,
    constant_of,
    fused,
    type_float,
    type_int32,
    type_int64,
)

register_type = ir.VectorType(type_float, LANES)
_bits_type = ir.VectorType(type_int32, LANES)
_bytes_type = ir.IntType(8).as_pointer()


def constant(value: int) -> ir.Constant:
    """An int64 known when the code is written."""
    return ir.Constant(type_int64, value)


class Instruction:
    """The words of one instruction, read one after the other.

    Args:
        builder: where the code goes.
        first: pointer to int32, its first word, which has been read.
    """

    def __init__(self, builder: Any, first: Any) -> None:
        self._builder = builder
        self._first = first
        self._words = 1

    def distance(self) -> Any:
        """The next word, a number of bytes."""
        place = self._builder.gep(self._first, [constant(self._words)])
        self._words += 1
        return self._builder.zext(self._builder.load(place), type_int64)

    def place(self, base: Any) -> Any:
        """Pointer to float32, so many bytes behind `base` as the next word says."""
        return moved(self._builder, base, self.distance())

    def weight(self, parameters: Any) -> Any:
        """The parameter whose place is in the next word, in every lane of a register."""
        return broadcast(self._builder, self._builder.load(self.place(parameters)), LANES)

    def end(self) -> Any:
        """Pointer to int32, the first word behind those read."""
        return self._builder.gep(self._first, [constant(self._words)])


def moved(builder: Any, pointer: Any, distance: Any) -> Any:
    """A pointer to float32, so many bytes further on."""
    raw = builder.gep(builder.bitcast(pointer, _bytes_type), [distance])
    return builder.bitcast(raw, type_float.as_pointer())


def carry_out(
    builder: Any, program: Any, instructions: Mapping[int, Callable[[Instruction], None]]
) -> None:
    """Code that carries out a program.

    Args:
        builder: where the code goes.
        program: pointer to int32.
        instructions: by their first word, what writes the code for each but END. A program may
            have no other.
    """
    now = cgutils.alloca_once_value(builder, program)
    following, unknown, done = (
        builder.append_basic_block(f"program.{name}") for name in ("next", "unknown", "end")
    )
    builder.branch(following)
    builder.position_at_end(following)
    first = builder.load(now)
    switch = builder.switch(builder.load(first), unknown)
    switch.add_case(ir.Constant(type_int32, END), done)
    for code, write in instructions.items():
        block = builder.append_basic_block(f"program.{code}")
        switch.add_case(ir.Constant(type_int32, code), block)
        builder.position_at_end(block)
        instruction = Instruction(builder, first)
        write(instruction)
        builder.store(instruction.end(), now)
        builder.branch(following)
    builder.position_at_end(unknown)
    builder.unreachable()
    builder.position_at_end(done)


def called(
    builder: Any,
    name: str,
    result: Any,
    arguments: Sequence[Any],
    write: Callable[..., Any],
) -> Any:
    """Code in a function of its own, and a call of it.

    Inlined into a large function, the code would have to share the registers with all that is
    alive there.

    Args:
        builder: where the call goes.
        name: of the function, the only one of this name in its module.
        result: LLVM type of what `write` returns.
        arguments: of the call.
        write: writes the code, given a builder and the function's parameters.
    """
    module = builder.module
    function = module.globals.get(name)
    if function is None:
        kinds = [argument.type for argument in arguments]
        function = ir.Function(module, ir.FunctionType(result, kinds), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        inside = ir.IRBuilder(function.append_basic_block("entry"))
        value = write(inside, *function.args)
        inside.ret_void() if value is None else inside.ret(value)
    return builder.call(function, arguments)


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

    def block(self) -> Any:
        """All registers of the block, as one vector."""
        kind = ir.VectorType(type_float, BLOCK).as_pointer()
        return self._builder.load(self._builder.bitcast(self._first, kind), align=4 * LANES)

    def __getitem__(self, register: int) -> Any:
        place = self._builder.gep(self._first, [constant(register)])
        return self._builder.load(place, align=4 * LANES)

    def __setitem__(self, register: int, value: Any) -> None:
        place = self._builder.gep(self._first, [constant(register)])
        self._builder.store(value, place, align=4 * LANES)


@contextmanager
def blocks_of_stripe(builder: Any) -> Iterator[Any]:
    """A loop over the first points of a stripe's blocks."""
    with cgutils.for_range_slice(builder, constant(0), constant(STRIPE), constant(BLOCK)) as (
        point,
        _,
    ):
        yield point


class Bits:
    """All bits of some registers, one over the other."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._seen = cgutils.alloca_once(builder, _bits_type)
        builder.store(ir.Constant(_bits_type, [0] * LANES), self._seen)

    def add(self, register: Any) -> None:
        """Takes in a register of floats."""
        bits = self._builder.bitcast(register, _bits_type)
        self._builder.store(self._builder.or_(self._builder.load(self._seen), bits), self._seen)

    def any(self) -> Any:
        """Whether any bit has been seen."""
        bits = self._builder.bitcast(self._builder.load(self._seen), ir.IntType(32 * LANES))
        return self._builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


class Slopes:
    """The registers of partial sums of some parameters' gradient, to which blocks are added.

    Args:
        builder: where the code goes.
        places: pointers to float32, the registers in memory.
        fresh: whether the stripe is the batch's first: what lies there is of another batch.
    """

    def __init__(self, builder: Any, places: list[Any], fresh: bool) -> None:
        self._builder = builder
        self._memory = [builder.bitcast(place, register_type.as_pointer()) for place in places]
        self._sums = [cgutils.alloca_once(builder, register_type) for _ in places]
        for sums, memory in zip(self._sums, self._memory, strict=True):
            # Adding to -0 changes no bit, not even the sign of a zero.
            begun = constant_of(register_type, -0.0) if fresh else self._loaded(memory)
            builder.store(begun, sums)

    def _loaded(self, memory: Any) -> Any:
        return self._builder.load(memory, align=4 * LANES)

    def add(self, values: list[Any]) -> None:
        """Adds the sums of one block."""
        for sums, value in zip(self._sums, values, strict=True):
            self._builder.store(self._builder.fadd(self._builder.load(sums), value), sums)

    def store(self) -> None:
        """Writes the sums."""
        for memory, sums in zip(self._memory, self._sums, strict=True):
            self._builder.store(self._builder.load(sums), memory, align=4 * LANES)


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
