"""Programs carried out: the activations of a stripe of points, their deltas, the gradient.

For each kind of instruction (`workers.kernel.instructions`) there is code written out for its
number of edges. Their weights and the sums of their gradients stay in registers while the stripe
streams by, a register of points after the other.

A *row* is one feature, activation or delta of a stripe's points. Sums are formed block by block
(`workers.kernel.simd.BLOCK`), whatever a stripe holds: bits depend on the block, speed on the
stripe. Nor do they depend on which neurons are taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from workers.kernel.instructions import (
    BACKWARD,
    FORWARD,
    FROM_INPUTS,
    FROM_NEURONS,
    MORE,
    PART,
    TO_OUTPUT,
    TOGETHER,
    WATCH,
    inputs,
    rest_of_neuron,
    rest_of_source,
    resting_neuron,
    whole_neurons,
    whole_source,
)
from workers.kernel.loss import delta_of
from workers.kernel.simd import (
    LANES,
    REGISTERS,
    broadcast,
    constant_of,
    fused,
    larger,
    place_of,
    registers_of,
    type_float,
)
from workers.kernel.written_out import (
    Bits,
    BlockProduct,
    BlockSum,
    Instruction,
    Row,
    Slopes,
    blocks_of_stripe,
    called,
    carry_out,
    constant,
    moved,
    register_type,
)

_floats = types.CPointer(types.float32)
_words = types.CPointer(types.int32)


@intrinsic  # type: ignore[untyped-decorator]
def at(typing_context: Any, array: Any, index: Any) -> Any:
    """Pointer to array[index]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return place_of(context, builder, signature.args[0], args[0], args[1])

    return types.CPointer(array.dtype)(array, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def lives(typing_context: Any, row: Any) -> Any:
    """Whether a neuron's activations have any bit: whether it is alive.

    row: pointer to float32 [STRIPE], none of them negative.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _any_bit(builder, args[0])

    return types.boolean(_floats), generate


def _any_bit(builder: Any, row: Any) -> Any:
    bits = Bits(builder)
    with blocks_of_stripe(builder) as point:
        values = Row(builder, row, point)
        for register in range(REGISTERS):
            bits.add(values[register])
    return bits.any()


@intrinsic  # type: ignore[untyped-decorator]
def activate(
    typing_context: Any, program: Any, stripe: Any, workspace: Any, parameters: Any
) -> Any:
    """The activations of the neurons that a program lists, and the logits.

    A hidden neuron's activation is 0 where its weighted sum is negative or NaN.

    program: pointer to int32, a program forward.
    stripe: pointer to float32, where the rows of its points' features begin.
    workspace: pointer to float32, where the neurons' rows begin; those of all but resting neurons
        are written.
    parameters: pointer to float32, the network's.

    Returns whether a resting neuron is alive: if so, the activations behind it lack it.
    """

    def write(builder: Any, program: Any, stripe: Any, workspace: Any, parameters: Any) -> Any:
        sources = cgutils.alloca_once_value(builder, stripe)
        floor = cgutils.alloca_once_value(builder, ir.Constant(type_float, 0.0))
        woken = cgutils.alloca_once_value(builder, cgutils.false_bit)

        def neurons(
            n: int, k: int, begins: bool, ends: bool, rests: bool, words: Instruction
        ) -> None:
            own, biases = [], []
            for _ in range(n):
                own.append(words.place(workspace))
                biases.append(words.weight(parameters))
            starts, weights = [], []
            for _ in range(k):
                starts.append(words.place(builder.load(sources)))
                weights.append([words.weight(parameters) for _ in range(n)])
            least = broadcast(builder, builder.load(floor), LANES)
            bits = Bits(builder)
            with blocks_of_stripe(builder) as point:
                own_rows = [Row(builder, place, point) for place in own]
                source_rows = [Row(builder, start, point) for start in starts]
                for register in range(REGISTERS):
                    sums = biases if begins else [row[register] for row in own_rows]
                    for row, weights_of in zip(source_rows, weights, strict=True):
                        source = row[register]
                        sums = [
                            fused(builder, weight, source, z)
                            for weight, z in zip(weights_of, sums, strict=True)
                        ]
                    for row, z in zip(own_rows, sums, strict=True):
                        value = larger(builder, z, least) if ends else z
                        if rests:
                            bits.add(value)
                        else:
                            row[register] = value
            if rests:
                watch(bits.any())

        def watch(awake: Any) -> None:
            builder.store(builder.or_(builder.load(woken), awake), woken)

        def from_neurons(words: Instruction) -> None:
            builder.store(workspace, sources)

        def to_output(words: Instruction) -> None:
            builder.store(ir.Constant(type_float, float("-inf")), floor)

        code: dict[int, Callable[[Instruction], None]] = {
            FROM_NEURONS: from_neurons,
            TO_OUTPUT: to_output,
            PART: partial(neurons, 1, FORWARD, True, False, False),
            MORE: partial(neurons, 1, FORWARD, False, False, False),
            WATCH: lambda words: watch(_any_bit(builder, words.place(workspace))),
        }
        for k in range(FORWARD + 1):
            code[resting_neuron(k)] = partial(neurons, 1, k, True, True, True)
            if k > 0:
                code[rest_of_neuron(k)] = partial(neurons, 1, k, False, True, False)
        for n, most in enumerate(TOGETHER):
            for k in range(most + 1) if n == 1 else range(1, most + 1):
                code[whole_neurons(n, k)] = partial(neurons, n, k, True, True, False)
        carry_out(builder, program, code)
        return builder.load(woken)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return called(builder, "sparsest.activate", ir.IntType(1), args, write)

    return types.boolean(_words, _floats, _floats, _floats), generate


@intrinsic  # type: ignore[untyped-decorator]
def output_deltas(
    typing_context: Any, logits: Any, labels: Any, scales: Any, gradient: Any, fresh: Any
) -> Any:
    """The deltas of the output, and the gradient of its bias.

    logits: pointer to float32 [STRIPE], in whose place the deltas come.
    labels, scales: pointers to float32 [STRIPE], of the stripe.
    gradient: pointer to float32, the register of the output's bias, added to.
    fresh: bool, whether it is written anew instead.
    """

    def write(
        fresh: bool, builder: Any, logits: Any, labels: Any, scales: Any, gradient: Any
    ) -> None:
        slopes = Slopes(builder, [gradient], fresh)
        with blocks_of_stripe(builder) as point:
            logit_row, label_row, scale_row = (
                Row(builder, row, point) for row in (logits, labels, scales)
            )
            sums = BlockSum(builder)
            block = delta_of(builder, logit_row.block(), label_row.block(), scale_row.block())
            for register, delta in enumerate(registers_of(builder, block)):
                logit_row[register] = delta
                sums.add(delta)
            slopes.add([sums.value()])
        slopes.store()

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *arguments, fresh = args
        _called_fresh_or_not(builder, "sparsest.output_deltas", fresh, arguments, write)
        return context.get_dummy_value()

    return types.void(_floats, _floats, _floats, _floats, types.boolean), generate


@intrinsic  # type: ignore[untyped-decorator]
def backpropagate(
    typing_context: Any,
    program: Any,
    stripe: Any,
    workspace: Any,
    partial_sums: Any,
    parameters: Any,
    gradient: Any,
    fresh: Any,
) -> Any:
    """The deltas of the neurons that a program lists, and the gradient of their edges and biases.

    program: pointer to int32, a program backward.
    stripe: pointer to float32, where the rows of its points' features begin.
    workspace: pointer to float32, where the neurons' rows begin: activations, none of them negative
        or NaN, in whose place deltas come, and the output's deltas.
    partial_sums: pointer to float32 [STRIPE], scratch.
    parameters: pointer to float32, the network's.
    gradient: pointer to float32, a register of partial sums a parameter; those of the program's
        edges and biases are added to.
    fresh: bool, whether these are written anew instead.
    """

    def write(
        fresh: bool,
        builder: Any,
        program: Any,
        stripe: Any,
        workspace: Any,
        partial_sums: Any,
        parameters: Any,
        gradient: Any,
    ) -> None:
        zero = constant_of(register_type, 0.0)

        def slope(distance: Any) -> Any:
            return moved(builder, gradient, builder.mul(distance, constant(LANES)))

        def source(k: int, begins: bool, ends: bool, words: Instruction) -> None:
            own = words.place(workspace)
            bias = slope(words.distance())
            starts, weights, slopes_of = [], [], []
            for _ in range(k):
                starts.append(words.place(workspace))
                place = words.distance()
                weight = builder.load(moved(builder, parameters, place))
                weights.append(broadcast(builder, weight, LANES))
                slopes_of.append(slope(place))
            if ends:
                slopes_of.append(bias)
            slopes = Slopes(builder, slopes_of, fresh)
            with blocks_of_stripe(builder) as point:
                own_row, partial_row = (Row(builder, r, point) for r in (own, partial_sums))
                target_rows = [Row(builder, start, point) for start in starts]
                products = [BlockProduct(builder) for _ in range(k)]
                sums = BlockSum(builder)
                for register in range(REGISTERS):
                    activation = own_row[register]
                    delta = zero if begins else partial_row[register]
                    for weight, row, product in zip(weights, target_rows, products, strict=True):
                        target = row[register]
                        delta = fused(builder, weight, target, delta)
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

        def features(n: int, k: int, words: Instruction) -> None:
            own = [words.place(stripe) for _ in range(n)]
            starts, places = [], []
            for _ in range(k):
                starts.append(words.place(workspace))
                places += [slope(words.distance()) for _ in range(n)]
            slopes = Slopes(builder, places, fresh)
            with blocks_of_stripe(builder) as point:
                own_rows = [Row(builder, place, point) for place in own]
                target_rows = [Row(builder, start, point) for start in starts]
                products = [[BlockProduct(builder) for _ in range(n)] for _ in range(k)]
                for register in range(REGISTERS):
                    values = [row[register] for row in own_rows]
                    for row, products_of in zip(target_rows, products, strict=True):
                        target = row[register]
                        for value, product in zip(values, products_of, strict=True):
                            product.add(register, value, target)
                slopes.add([product.value() for products_of in products for product in products_of])
            slopes.store()

        code: dict[int, Callable[[Instruction], None]] = {
            PART: partial(source, BACKWARD, True, False),
            MORE: partial(source, BACKWARD, False, False),
        }
        for k in range(1, BACKWARD + 1):
            code[whole_source(k)] = partial(source, k, True, True)
            code[rest_of_source(k)] = partial(source, k, False, True)
        for n, most in enumerate(FROM_INPUTS):
            for k in range(1, most + 1):
                code[inputs(n, k)] = partial(features, n, k)
        carry_out(builder, program, code)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *arguments, fresh = args
        _called_fresh_or_not(builder, "sparsest.backpropagate", fresh, arguments, write)
        return context.get_dummy_value()

    arguments = (_words, _floats, _floats, _floats, _floats, _floats, types.boolean)
    return types.void(*arguments), generate


def _called_fresh_or_not(
    builder: Any, name: str, fresh: Any, arguments: Sequence[Any], write: Callable[..., None]
) -> None:
    """Calls one of two functions: `write` gets whether the gradient is written anew."""
    with builder.if_else(fresh) as (begun, gone_on):
        for branch, anew in ((begun, True), (gone_on, False)):
            with branch:
                code = partial(write, anew)
                called(
                    builder, f"{name}.{'fresh' if anew else 'more'}", ir.VoidType(), arguments, code
                )
