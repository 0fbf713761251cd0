"""Which arithmetic the training kernels use: that of this processor, or of another one.

The kernels sum in an order that depends on how many floats a register holds, so the bits of a row
depend on the instruction set (the column `backend`). The order can be had on other processors too:
LLVM makes two operations on 8 floats out of one on 16. With

    SPARSEST_ARITHMETIC=avx512

in the environment, a processor with AVX2 makes the rows of one with AVX-512, bit for bit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import llvmlite.binding as llvm
import numba

ARITHMETIC: Final = "SPARSEST_ARITHMETIC"
"""Environment variable: a name of `INSTRUCTION_SETS`; empty or not set: this processor's."""


@dataclass(frozen=True)
class InstructionSet:
    """An order of additions.

    Attributes:
        name: as in the column `backend`, "numba-NAME".
        lanes: float32 in a register.
        block: float32 in a block, whose sum is formed by itself; see `workers.kernel.simd`.
        stripe: float32 in a stripe, for which code is written out: a multiple of the block, and
            of no consequence to the bits. 128 is the batch of the paper.
        registers: of its vector unit, 16 or 32.
    """

    name: str
    lanes: int
    block: int
    stripe: int
    registers: int


INSTRUCTION_SETS: Final = {
    kind.name: kind
    for kind in (
        InstructionSet("avx512", 16, 128, 128, 32),
        InstructionSet("avx2", 8, 64, 128, 16),
        InstructionSet("neon", 4, 32, 64, 32),
        InstructionSet("generic", 4, 16, 32, 16),
    )
}


def chosen_instruction_set() -> InstructionSet:
    """What the environment asks for, else what the processor has that numba targets.

    Raises:
        ValueError: the environment asks for something else than `INSTRUCTION_SETS`.
    """
    asked = os.environ.get(ARITHMETIC)
    if not asked:
        return INSTRUCTION_SETS[_of_the_processor()]
    if asked not in INSTRUCTION_SETS:
        raise ValueError(
            f"{ARITHMETIC}={asked}: there is no such arithmetic; there are "
            f"{', '.join(INSTRUCTION_SETS)}"
        )
    return INSTRUCTION_SETS[asked]


def _of_the_processor() -> str:
    configured = str(numba.config.CPU_FEATURES or "")
    host = {name for name, present in llvm.get_host_cpu_features().items() if present}
    features = {f[1:] for f in configured.split(",") if f.startswith("+")} if configured else host
    if "avx512f" in features:
        return "avx512"
    if "avx2" in features:
        return "avx2"
    if "neon" in features or "fp-armv8" in features:
        return "neon"
    return "generic"
