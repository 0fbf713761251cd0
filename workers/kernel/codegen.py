"""Building blocks of generated code: instructions, rows, sums over blocks.

Everything here runs when the kernel is compiled and emits LLVM instructions through a builder.
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
    """Return an int64 constant."""
    return ir.Constant(type_int64, value)


class Instruction:
    """A reader of one instruction's words.

    `first` points to the first one, int32, of which `words` have been read.
    """

    def __init__(self, builder: Any, first: Any, words: int = 1) -> None:
        self._builder = builder
        self._first = first
        self._words = words

    def number(self) -> Any:
        """Read the next word, int64: a count, or an offset in bytes."""
        pointer = self._builder.gep(self._first, [constant(self._words)])
        self._words += 1
        return self._builder.zext(self._builder.load(pointer), type_int64)

    def pointer(self, base: Any) -> Any:
        """Read the next word; return a pointer to float32 at that offset from `base`."""
        return offset_pointer(self._builder, base, self.number())

    def weight(self, parameters: Any) -> Any:
        """Read the next word; return the parameter at that offset in every lane of a register."""
        return broadcast(self._builder, self._builder.load(self.pointer(parameters)), LANES)

    def skip(self, words: Any) -> None:
        """Move past a number of words, int64, known when the program runs."""
        self._first = self._builder.gep(self.end(), [words])
        self._words = 0

    def end(self) -> Any:
        """Return a pointer to int32, the first word after those read."""
        return self._builder.gep(self._first, [constant(self._words)])


def offset_pointer(builder: Any, pointer: Any, distance: Any) -> Any:
    """Generate a pointer to float32 that lies `distance` bytes after `pointer`."""
    raw = builder.gep(builder.bitcast(pointer, _bytes_type), [distance])
    return builder.bitcast(raw, type_float.as_pointer())


def interpret(
    builder: Any, program: Any, instructions: Mapping[int, Callable[[Instruction], None]]
) -> None:
    """Generate an interpreter of programs.

    `program` is a pointer to int32; `instructions` has the generator of the code of every first
    word that a program may contain except END.
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


def call_outlined(
    builder: Any,
    name: str,
    result: Any,
    arguments: Sequence[Any],
    write: Callable[..., Any],
) -> Any:
    """Generate a function, with a name unique in its module, and a call of it.

    If it were inlined into a large function, the code would compete with it for registers. `write`
    generates its code, given a builder and the parameters, and returns a value of the LLVM type
    `result`.
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
    """Access to the registers of a row, from an int64 point on, by their number in the block."""

    def __init__(self, builder: Any, first: Any, point: Any) -> None:
        self._builder = builder
        self._first = builder.bitcast(builder.gep(first, [point]), register_type.as_pointer())

    def block(self) -> Any:
        """Load the whole block as one vector."""
        kind = ir.VectorType(type_float, BLOCK).as_pointer()
        return self._builder.load(self._builder.bitcast(self._first, kind), align=4 * LANES)

    def __getitem__(self, register: int) -> Any:
        pointer = self._builder.gep(self._first, [constant(register)])
        return self._builder.load(pointer, align=4 * LANES)

    def __setitem__(self, register: int, value: Any) -> None:
        pointer = self._builder.gep(self._first, [constant(register)])
        self._builder.store(value, pointer, align=4 * LANES)


@contextmanager
def blocks_of_stripe(builder: Any) -> Iterator[Any]:
    """Generate a loop over the blocks of a stripe, yielding the first point of each."""
    with cgutils.for_range_slice(builder, constant(0), constant(STRIPE), constant(BLOCK)) as (
        point,
        _,
    ):
        yield point


class Bits:
    """The bitwise or of several registers."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._seen = cgutils.alloca_once(builder, _bits_type)
        builder.store(ir.Constant(_bits_type, [0] * LANES), self._seen)

    def add(self, register: Any) -> None:
        """Add a register of floats."""
        bits = self._builder.bitcast(register, _bits_type)
        self._builder.store(self._builder.or_(self._builder.load(self._seen), bits), self._seen)

    def any(self) -> Any:
        """Return whether any bit is set."""
        bits = self._builder.bitcast(self._builder.load(self._seen), ir.IntType(32 * LANES))
        return self._builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


class Slopes:
    """Registers of partial sums of parameters' gradients in memory, accumulated block by block.

    `fresh`: the stripe is the batch's first, so that memory holds another batch's sums.
    """

    def __init__(self, builder: Any, pointers: list[Any], fresh: bool) -> None:
        self._builder = builder
        self._memory = [
            builder.bitcast(pointer, register_type.as_pointer()) for pointer in pointers
        ]
        self._sums = [cgutils.alloca_once(builder, register_type) for _ in pointers]
        for sums, memory in zip(self._sums, self._memory, strict=True):
            # Adding to -0 changes no bit, not even the sign of a zero.
            initial = constant_of(register_type, -0.0) if fresh else self._loaded(memory)
            builder.store(initial, sums)

    def _loaded(self, memory: Any) -> Any:
        return self._builder.load(memory, align=4 * LANES)

    def add(self, values: list[Any]) -> None:
        """Add the sums of one block."""
        for sums, value in zip(self._sums, values, strict=True):
            self._builder.store(self._builder.fadd(self._builder.load(sums), value), sums)

    def store(self) -> None:
        """Write the sums to memory."""
        for memory, sums in zip(self._memory, self._sums, strict=True):
            self._builder.store(self._builder.load(sums), memory, align=4 * LANES)


class BlockProduct:
    """The inner product of two blocks, accumulated register by register."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        # Two chains of additions: a single one would wait for its previous result.
        self._chains: list[Any] = [None, None]

    def add(self, register: int, a: Any, b: Any) -> None:
        """Add the product of the blocks' registers of this number."""
        before = self._chains[register % 2]
        self._chains[register % 2] = (
            self._builder.fmul(a, b) if before is None else fused(self._builder, a, b, before)
        )

    def value(self) -> Any:
        """Return the register whose lanes sum to the product."""
        return self._builder.fadd(*self._chains)


class BlockSum:
    """The sum of a block, in the order of `workers.kernel.simd.fold`."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._parts: list[tuple[int, Any]] = []

    def add(self, value: Any) -> None:
        """Add the block's next register."""
        self._parts.append((1, value))
        while len(self._parts) > 1 and self._parts[-1][0] == self._parts[-2][0]:
            (size, right), (_, left) = self._parts.pop(), self._parts.pop()
            self._parts.append((2 * size, self._builder.fadd(left, right)))

    def value(self) -> Any:
        """Return the register whose lanes sum to the sum of the block."""
        return self._parts[0][1]
