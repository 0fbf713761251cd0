"""Execution of programs: activations, deltas and gradients of a stripe of points.

Each kind of instruction (`workers.kernel.instructions`) has code generated for its number of edges.
Weights and sums of gradients stay in registers while the stripe is read, one register of points at
a time.

A *row* holds one feature, activation or delta of the stripe's points. Sums are formed per block
(`workers.kernel.simd.BLOCK`): the bits depend on the block, but not on the stripe or on which
neurons share an instruction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from workers.kernel import instructions as op
from workers.kernel.codegen import (
    Bits,
    BlockProduct,
    BlockSum,
    Instruction,
    Row,
    Slopes,
    blocks_of_stripe,
    call_outlined,
    constant,
    interpret,
    offset_pointer,
    register_type,
)
from workers.kernel.compiled import inlined
from workers.kernel.loss import delta_of
from workers.kernel.simd import (
    LANES,
    REGISTERS,
    STRIPE,
    broadcast,
    constant_of,
    element_pointer,
    fused,
    larger,
    operation,
    registers_of,
    type_float,
)


@intrinsic  # type: ignore[untyped-decorator]
def pointer_to(typing_context: Any, array: Any, index: Any) -> Any:
    """Return a pointer to array[index]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return element_pointer(context, builder, signature.args[0], args[0], args[1])

    return types.CPointer(array.dtype)(array, types.int64), generate


def _any_bit(builder: Any, row: Any) -> Any:
    """Generate whether any activation in a row, float32 [STRIPE] and not negative, is nonzero."""
    bits = Bits(builder)
    with blocks_of_stripe(builder) as point:
        values = Row(builder, row, point)
        for register in range(REGISTERS):
            bits.add(values[register])
    return bits.any()


has_activation = operation(_any_bit, types.boolean)
"""has_activation(pointer to a row): whether the row's neuron is alive."""


@partial(operation, result=types.boolean)
def activate(builder: Any, program: Any, stripe: Any, workspace: Any, parameters: Any) -> Any:
    """Execute a forward program: write the neurons' activations and the logits.

    A hidden neuron's activation is 0 where its weighted sum is negative or NaN.

    program: pointer to int32, a forward program.
    stripe: pointer to float32, the rows of the points' features.
    workspace: pointer to float32, the neurons' rows; those of all but dead neurons are written.
    parameters: pointer to float32, the network's parameters.

    Returns whether a dead neuron turned out to be alive; if so, later layers lack its activations.
    """

    def write(builder: Any, program: Any, stripe: Any, workspace: Any, parameters: Any) -> Any:
        sources = cgutils.alloca_once_value(builder, stripe)
        floor = cgutils.alloca_once_value(builder, ir.Constant(type_float, 0.0))
        woken = cgutils.alloca_once_value(builder, cgutils.false_bit)

        def heads(n: int, words: Instruction) -> tuple[list[Any], list[Any]]:
            """Read the rows and the biases of n neurons."""
            pairs = [(words.pointer(workspace), words.weight(parameters)) for _ in range(n)]
            return [own for own, _ in pairs], [bias for _, bias in pairs]

        def neurons(
            n: int, k: int, begins: bool, ends: bool, rests: bool, words: Instruction
        ) -> None:
            own, biases = heads(n, words)
            starts, weights = [], []
            for _ in range(k):
                starts.append(words.pointer(builder.load(sources)))
                weights.append([words.weight(parameters) for _ in range(n)])
            least = broadcast(builder, builder.load(floor), LANES)
            bits = Bits(builder)
            with blocks_of_stripe(builder) as point:
                own_rows = [Row(builder, pointer, point) for pointer in own]
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

        def wide(n: int, words: Instruction) -> None:
            count = words.number()
            own, biases = heads(n, words)
            edges = words.end()
            base = builder.load(sources)
            least = broadcast(builder, builder.load(floor), LANES)
            tiles = cgutils.for_range_slice(
                builder, constant(0), constant(STRIPE), constant(op.TILE * LANES)
            )
            with tiles as (point, _):
                sums = [
                    [cgutils.alloca_once_value(builder, bias) for _ in range(op.TILE)]
                    for bias in biases
                ]
                now = cgutils.alloca_once_value(builder, edges)
                with cgutils.for_range(builder, count):
                    edge = Instruction(builder, builder.load(now), 0)
                    source = Row(builder, edge.pointer(base), point)
                    values = [source[register] for register in range(op.TILE)]
                    for sums_of in sums:
                        weight = edge.weight(parameters)
                        for total, value in zip(sums_of, values, strict=True):
                            z = fused(builder, weight, value, builder.load(total))
                            builder.store(z, total)
                    builder.store(edge.end(), now)
                for pointer, sums_of in zip(own, sums, strict=True):
                    row = Row(builder, pointer, point)
                    for register, total in enumerate(sums_of):
                        row[register] = larger(builder, builder.load(total), least)
            words.skip(builder.mul(count, constant(1 + n)))

        def watch(awake: Any) -> None:
            builder.store(builder.or_(builder.load(woken), awake), woken)

        def from_neurons(words: Instruction) -> None:
            builder.store(workspace, sources)

        def to_output(words: Instruction) -> None:
            builder.store(ir.Constant(type_float, float("-inf")), floor)

        code: dict[int, Callable[[Instruction], None]] = {
            op.FROM_NEURONS: from_neurons,
            op.TO_OUTPUT: to_output,
            op.PART: partial(neurons, 1, op.FORWARD, True, False, False),
            op.MORE: partial(neurons, 1, op.FORWARD, False, False, False),
            op.WATCH: lambda words: watch(_any_bit(builder, words.pointer(workspace))),
        }
        for k in range(op.FORWARD + 1):
            code[op.dead_neuron(k)] = partial(neurons, 1, k, True, True, True)
            if k > 0:
                code[op.rest_of_neuron(k)] = partial(neurons, 1, k, False, True, False)
        for n, most in enumerate(op.TOGETHER):
            for k in range(most + 1) if n == 1 else range(1, most + 1):
                code[op.whole_neurons(n, k)] = partial(neurons, n, k, True, True, False)
        for n in range(2, op.WIDE + 1):
            code[op.wide_neurons(n)] = partial(wide, n)
        interpret(builder, program, code)
        return builder.load(woken)

    arguments = program, stripe, workspace, parameters
    return call_outlined(builder, "sparsest.activate", ir.IntType(1), arguments, write)


@inlined
def logits(networks, g, points, stripe, programs, workspace):  # type: ignore[no-untyped-def]
    """Write the activations of all hidden neurons into the workspace, followed by the logits.

    Arrays:
        points: float32, in the layout of `workers.kernel.points.all_points`.
        stripe: offset of the stripe in `points`.
        programs: `workers.kernel.programs.Programs`; the network's forward program is written, with
            all neurons alive.
        workspace: float32 [(hidden neurons + outputs) * STRIPE] or more, 64-byte aligned.

    Returns:
        Offset of the logits in `workspace`, one row for each output.
    """
    activate(
        pointer_to(programs.words, programs.forward_start[g]),
        pointer_to(points, stripe),
        pointer_to(workspace, 0),
        pointer_to(networks.parameters, networks.parameter_start[g]),
    )
    return networks.hidden[g] * STRIPE


@partial(operation, result=types.void)
def output_deltas(
    builder: Any, logits: Any, labels: Any, scales: Any, gradient: Any, fresh: Any
) -> None:
    """Compute the deltas of a single output and the gradient of its bias.

    logits: pointer to float32 [STRIPE], overwritten with the deltas.
    labels, scales: pointers to float32 [STRIPE], rows of the stripe.
    gradient: pointer to float32, the register of the output's bias; added to.
    fresh: bool, whether the register is overwritten instead.
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

    arguments = logits, labels, scales, gradient
    _call_by_stripe(builder, "sparsest.output_deltas", fresh, arguments, write)


@partial(operation, result=types.void)
def backpropagate(
    builder: Any,
    program: Any,
    stripe: Any,
    workspace: Any,
    partial_sums: Any,
    parameters: Any,
    gradient: Any,
    fresh: Any,
) -> None:
    """Execute a backward program: compute the deltas and the gradients of edges and biases.

    program: pointer to int32, a backward program.
    stripe: pointer to float32, the rows of the points' features.
    workspace: pointer to float32, the neurons' rows: activations, none of them negative or NaN,
        overwritten with deltas; the outputs' rows hold their deltas already.
    partial_sums: pointer to float32 [STRIPE], scratch.
    parameters: pointer to float32, the network's parameters.
    gradient: pointer to float32, one register of partial sums per parameter; those of the program's
        edges and biases are added to.
    fresh: bool, whether these registers are overwritten instead.
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
            return offset_pointer(builder, gradient, builder.mul(distance, constant(LANES)))

        def source(k: int, begins: bool, ends: bool, words: Instruction) -> None:
            own = words.pointer(workspace)
            bias = slope(words.number())
            starts, weights, slopes_of = [], [], []
            for _ in range(k):
                starts.append(words.pointer(workspace))
                distance = words.number()
                weight = builder.load(offset_pointer(builder, parameters, distance))
                weights.append(broadcast(builder, weight, LANES))
                slopes_of.append(slope(distance))
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
            own = [words.pointer(stripe) for _ in range(n)]
            starts, pointers = [], []
            for _ in range(k):
                starts.append(words.pointer(workspace))
                pointers += [slope(words.number()) for _ in range(n)]
            slopes = Slopes(builder, pointers, fresh)
            with blocks_of_stripe(builder) as point:
                own_rows = [Row(builder, pointer, point) for pointer in own]
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
            op.PART: partial(source, op.BACKWARD, True, False),
            op.MORE: partial(source, op.BACKWARD, False, False),
        }
        for k in range(1, op.BACKWARD + 1):
            code[op.whole_source(k)] = partial(source, k, True, True)
            code[op.rest_of_source(k)] = partial(source, k, False, True)
        for n, most in enumerate(op.FROM_INPUTS):
            for k in range(1, most + 1):
                code[op.inputs(n, k)] = partial(features, n, k)
        interpret(builder, program, code)

    arguments = program, stripe, workspace, partial_sums, parameters, gradient
    _call_by_stripe(builder, "sparsest.backpropagate", fresh, arguments, write)


def _call_by_stripe(
    builder: Any, name: str, fresh: Any, arguments: Sequence[Any], write: Callable[..., None]
) -> None:
    """Generate calls of two versions of `write`: for the batch's first stripe, and for others."""
    with builder.if_else(fresh) as (first_stripe, later_stripe):
        for branch, overwrites in ((first_stripe, True), (later_stripe, False)):
            with branch:
                code = partial(write, overwrites)
                suffix = "fresh" if overwrites else "more"
                call_outlined(builder, f"{name}.{suffix}", ir.VoidType(), arguments, code)
