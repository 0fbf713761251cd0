"""Compilation with Numba outside the training kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with Numba's njit, without fast-math, cached on disk if a folder is writable."""
    try:
        kernel: Callable[..., Any] = numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        kernel = numba.njit(error_model="numpy")(function)
    return kernel
