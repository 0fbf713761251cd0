"""The instruction set of a network's program.

A *program* is a sequence of int32 words that lists one network's work for a stripe of points: its
neurons with their living sources. `workers.kernel.programs` writes it when the set of living
neurons changes; `workers.kernel.neurons` executes it for every stripe. An instruction's first word
encodes the number of neurons and edges, so one jump leads to code generated for that case.

Offsets are in bytes, from the start of the rows, the parameters or the stripe. `n` is the number of
neurons in an instruction, `k` the number of sources (forward) or targets (backward) they share.

Forward: each neuron's row and bias, then each source's row and its n weights.
    END                         end of the program
    FROM_NEURONS                sources are inputs before this word and neurons after it
    TO_OUTPUT                   no ReLU after this word
    whole_neurons(n, k)         n * (row, bias), k * (source row, n * weight)
    dead_neuron(k)              the same for one dead neuron, whose row is not written
    PART                        row, bias, FORWARD * (source row, weight): the neuron's first edges
    MORE                        the same for the next edges
    rest_of_neuron(k)           the same for the last edges
    wide_neurons(n)             k, then as whole_neurons(n, k) for any number k of sources
    WATCH                       row of a dead neuron that another instruction wrote

Backward: each source's row, then each target's row and its n weights.
    END                         end of the program
    whole_source(k)             row, bias, k * (target row, weight)
    PART, MORE, rest_of_source(k)   the same for a source of more than BACKWARD targets
    inputs(n, k)                n * (row in the stripe), k * (target row, n * weight)
"""

from __future__ import annotations

from typing import Final

from numba.extending import register_jitable

from workers.kernel.simd import VECTOR_REGISTERS

_FEW: Final = VECTOR_REGISTERS == 16
"""Whether registers limit the number of edges per instruction."""

FORWARD: Final = 8
"""Maximum edges per forward instruction; each weight occupies a register."""

TOGETHER: Final = (0, FORWARD, 5, 2) if _FEW else (0, FORWARD, 8, 6, 4)
"""TOGETHER[n]: maximum edges per neuron where one instruction computes n neurons. They share the
reads of their sources, and all their weights must fit in registers."""

WIDE: Final = 6
"""Maximum neurons per instruction with any number of edges. Registers hold the sums of `TILE`
registers of points for each neuron, so that every source is read once for all of them."""

TILE: Final = 2 if _FEW else 4
"""Registers of points computed at a time by an instruction with any number of edges."""

BACKWARD: Final = 3 if _FEW else 4
"""Maximum edges per backward instruction; each weight and its two sums occupy registers."""

FROM_INPUTS: Final = (0, 4, 3) if _FEW else (0, 6, 4)
"""FROM_INPUTS[n]: maximum targets per instruction for n inputs."""

END: Final = 0
FROM_NEURONS: Final = 1
TO_OUTPUT: Final = 2
PART: Final = 3
MORE: Final = 4
WATCH: Final = 5
_REST: Final = 6
_COUNTS: Final = max(FORWARD, BACKWARD, *FROM_INPUTS) + 1


@register_jitable  # type: ignore[untyped-decorator]
def rest_of_neuron(k: int) -> int:
    """Return the first word for the last k <= FORWARD edges of a neuron with more than FORWARD."""
    return _REST + k


@register_jitable  # type: ignore[untyped-decorator]
def dead_neuron(k: int) -> int:
    """Return the first word for all k <= FORWARD edges of a dead neuron."""
    return _REST + _COUNTS + k


@register_jitable  # type: ignore[untyped-decorator]
def whole_neurons(n: int, k: int) -> int:
    """Return the first word for all k <= TOGETHER[n] edges of each of n neurons."""
    return _REST + (1 + n) * _COUNTS + k


@register_jitable  # type: ignore[untyped-decorator]
def wide_neurons(n: int) -> int:
    """Return the first word for n <= WIDE neurons with the same sources, more than FORWARD."""
    return _REST + (1 + len(TOGETHER)) * _COUNTS + n


# The two kinds of programs have interpreters of their own, so the same first words serve again.
rest_of_source = rest_of_neuron
"""First word for the last k <= BACKWARD edges of a hidden neuron with more."""
whole_source = dead_neuron
"""First word for all k <= BACKWARD edges of a hidden neuron."""
inputs = whole_neurons
"""First word for k <= FROM_INPUTS[n] edges of each of n inputs."""
