"""What a network's program is written in: instructions for a stripe of points.

A *program* is int32 words, one instruction behind the other, that say what one network has to do
for a stripe: its neurons with their living sources, group by group. `workers.kernel.programs`
writes it, seldom; `workers.kernel.neurons` carries it out, for every stripe. Which neurons an
instruction is about and how many edges they have is all in its first word, so one jump leads to
code that is written out for just that.

Distances are in bytes: from where rows, parameters or a stripe begin. `n` is a number of neurons
that share their edges' other ends, `k` the number of those.

Forward, with row and bias of each neuron, then for each source its row and the n weights:
    END                         the program's end
    FROM_NEURONS                from here on sources are neurons, before it inputs
    TO_OUTPUT                   from here on no ReLU
    whole_neurons(n, k)         n * (own row, bias), k * (row, n * weight)
    resting_neuron(k)           the same of one neuron that was dead: its row is not written
    PART                        own row, bias, FORWARD * (row, weight): the first ones of more
    MORE                        likewise, the next ones
    rest_of_neuron(k)           likewise, the last ones
    WATCH                       own row: of a neuron that was dead, written by the three above

Backward, with the row of each source, then for each target its row and the n weights:
    END                         the program's end
    whole_source(k)             own row, bias, k * (row, weight)
    PART, MORE, rest_of_source(k)   likewise, of more than BACKWARD targets
    inputs(n, k)                n * (own row, of the stripe), k * (row, n * weight)
"""

from __future__ import annotations

from typing import Final

from numba.extending import register_jitable

from workers.kernel.simd import VECTOR_REGISTERS

_FEW: Final = VECTOR_REGISTERS == 16
"""Whether there are too few registers to take many edges at a time."""

FORWARD: Final = 8
"""Edges of a neuron taken at a time going forward, each with its weight in a register."""

TOGETHER: Final = (0, FORWARD, 5, 2) if _FEW else (0, FORWARD, 8, 6, 4)
"""The most edges a neuron that n neurons taken together may have, n = 1, 2, ...: a source is read
once for all of them, as long as the registers hold their weights."""

BACKWARD: Final = 3 if _FEW else 4
"""Edges of a neuron taken at a time going back: each has its weight and two sums in registers."""

FROM_INPUTS: Final = (0, 4, 3) if _FEW else (0, 6, 4)
"""Targets that one input, or two together, take at a time."""

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
    """First word for the last k <= FORWARD edges of a neuron that has more."""
    return _REST + k


@register_jitable  # type: ignore[untyped-decorator]
def resting_neuron(k: int) -> int:
    """First word for all k <= FORWARD edges of a neuron that was dead."""
    return _REST + _COUNTS + k


@register_jitable  # type: ignore[untyped-decorator]
def whole_neurons(n: int, k: int) -> int:
    """First word for all k <= TOGETHER[n] edges of each of n neurons."""
    return _REST + (1 + n) * _COUNTS + k


@register_jitable  # type: ignore[untyped-decorator]
def rest_of_source(k: int) -> int:
    """First word for the last k <= BACKWARD edges of a hidden neuron that has more."""
    return _REST + k


@register_jitable  # type: ignore[untyped-decorator]
def whole_source(k: int) -> int:
    """First word for all k <= BACKWARD edges of a hidden neuron."""
    return _REST + _COUNTS + k


@register_jitable  # type: ignore[untyped-decorator]
def inputs(n: int, k: int) -> int:
    """First word for k <= FROM_INPUTS[n] edges of each of n inputs."""
    return _REST + (1 + n) * _COUNTS + k
