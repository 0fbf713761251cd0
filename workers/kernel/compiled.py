"""The kernels' decorators: released GIL, no allocation, one instruction set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from search import compilation
from workers.kernel.instruction_set import chosen_instruction_set

# numba's cache distinguishes processors, but not the instruction set set by the environment.
_VARIANT = chosen_instruction_set().name
_OPTIONS: dict[str, Any] = {"packages": ("search", "workers"), "nogil": True, "_nrt": False}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel; without a writable cache folder, every process needs about 15 s for all."""
    return compilation.compiled(function, variant=_VARIANT, forceinline=True, **_OPTIONS)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as a part of its compiled callers.

    A `compiled` function is compiled once on its own and again inside each caller. Use `inlined`
    for long functions with few callers; all others compile faster with `compiled`.
    """
    return compilation.compiled(function, variant=_VARIANT, inline="always", **_OPTIONS)
