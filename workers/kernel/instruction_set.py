"""The instruction set whose arithmetic the training kernels follow.

The order of the kernels' sums depends on the number of floats in a register, so the bits of a row
depend on the instruction set (the column `backend`). Other processors can follow the same order:
LLVM splits one operation on 16 floats into two on 8. With

    SPARSEST_ARITHMETIC=avx512

in the environment, a processor with AVX2 reproduces the rows of one with AVX-512, bit for bit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Final

import llvmlite.binding as llvm

ARITHMETIC: Final = "SPARSEST_ARITHMETIC"
"""Environment variable that names one of `INSTRUCTION_SETS`; this processor's if empty or unset."""


@dataclass(frozen=True)
class InstructionSet:
    """Sizes that fix the order of additions and the shape of the generated code.

    Attributes:
        name: suffix of the column `backend`, "numba-NAME".
        lanes: float32 values in a register.
        block: float32 values in a block, the unit of summation (`workers.kernel.simd`).
        stripe: float32 values in a stripe, the unit of generated code: a multiple of the block. It
            does not affect the bits. 128 is the paper's batch.
        registers: number of vector registers, 16 or 32.
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
    """Return the instruction set named by the environment, else that of numba's target processor.

    Raises:
        ValueError: the environment names none of `INSTRUCTION_SETS`.
    """
    asked = os.environ.get(ARITHMETIC)
    if not asked:
        return INSTRUCTION_SETS[_of_the_processor()]
    if asked not in INSTRUCTION_SETS:
        raise ValueError(
            f"{ARITHMETIC}={asked}: unknown arithmetic; allowed: {', '.join(INSTRUCTION_SETS)}"
        )
    return INSTRUCTION_SETS[asked]


def _of_the_processor() -> str:
    # numba's variable, read here because importing numba takes 0.2 s.
    configured = os.environ.get("NUMBA_CPU_FEATURES", "")
    host = {name for name, present in llvm.get_host_cpu_features().items() if present}
    features = {f[1:] for f in configured.split(",") if f.startswith("+")} if configured else host
    if "avx512f" in features:
        return "avx512"
    if "avx2" in features:
        return "avx2"
    if "neon" in features or "fp-armv8" in features:
        return "neon"
    return "generic"


@cache
def backend_name() -> str:
    """Return the value of the column `backend` of a CPU training in this process.

    Rows of one backend have the same bits on every machine.
    """
    return f"numba-{chosen_instruction_set().name}"
