"""The kernels' decorators: compile once per kind of processor and cache on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from search.cache_folder import cache_folder
from workers.kernel.instruction_set import chosen_instruction_set


def _sources_digest() -> str:
    """Digest of all sources: numba's cache checks one file's date, not the files it imports."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).resolve().parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _writable_folder() -> Path | None:
    # numba distinguishes processors itself, but not the instruction set set by the environment.
    folder = cache_folder() / "kernels" / _sources_digest() / chosen_instruction_set().name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


_FOLDER = _writable_folder()
_OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Apply numba's njit: GIL released, no fast-math, cached on disk.

    If the cache folder is not writable, every process compiles the kernels again (about 15 s).
    """
    usual_folder = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_FOLDER or "")
    try:
        decorate = numba.njit(cache=_FOLDER is not None, forceinline=True, **_OPTIONS)
        kernel: Callable[..., Any] = decorate(function)
    finally:
        numba.config.CACHE_DIR = usual_folder
    return kernel


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Apply njit to a function whose code is inlined into its compiled callers.

    A `compiled` function is compiled once on its own and again inside each caller. Use `inlined`
    for long functions with few callers; all others compile faster with `compiled`.
    """
    kernel: Callable[..., Any] = numba.njit(inline="always", **_OPTIONS)(function)
    return kernel
