"""The decorator of the kernels: compiled once for a kind of processor, kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from workers.cache_folder import cache_folder
from workers.kernel.instruction_set import chosen_instruction_set


def _sources_digest() -> str:
    """Digest of this folder's sources: numba looks at one file's date only, not at what it uses."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).resolve().parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _writable_folder() -> Path | None:
    # numba tells processors apart by itself, but not what the sources read from the environment.
    folder = cache_folder() / "kernels" / _sources_digest() / chosen_instruction_set().name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


_FOLDER = _writable_folder()
_OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's njit with the GIL released, without fast-math, cached on disk where that is possible.

    Where the cache folder cannot be written, every process compiles for itself (some 15 seconds).
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
    """Likewise, for a function that compiled ones call: its code becomes part of theirs.

    What is `compiled` is compiled by itself and, once more, as part of each that calls it. This is
    for functions with much code and few callers; others compile faster by themselves.
    """
    kernel: Callable[..., Any] = numba.njit(inline="always", **_OPTIONS)(function)
    return kernel
