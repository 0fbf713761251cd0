"""Compilation with Numba, cached on disk."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.event import Listener, register

from search.cache_folder import cache_folder


def compiled(
    function: Callable[..., Any],
    packages: tuple[str, ...] = ("pruning", "search"),
    variant: str = "",
    **options: Any,
) -> Any:
    """Apply numba's njit: no fast-math, cached on disk if the cache folder is writable.

    `packages` are those whose functions it may call, and `variant` names the settings that they are
    compiled for; `options` are njit's.
    """
    folder, usual_folder = _writable_folder(packages, variant), numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder or "")
    try:
        return numba.njit(cache=folder is not None, error_model="numpy", **options)(function)
    finally:
        numba.config.CACHE_DIR = usual_folder


class _Compilations(Listener):  # type: ignore[misc]
    """Adds up the time of compiling, and on a terminal says once why nothing seems to happen."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._announced = False
        self._started: list[float] = []

    def on_start(self, event: object) -> None:
        if not self._announced and sys.stderr.isatty():
            often = "once" if os.access(cache_folder(), os.W_OK) else "in every process"
            print(
                f"compiling functions for this processor, {often}: up to a minute", file=sys.stderr
            )
        self._announced = True
        self._started.append(time.perf_counter())

    def on_end(self, event: object) -> None:
        seconds = time.perf_counter() - self._started.pop()
        # A function is compiled while its callers are.
        self.seconds += 0 if self._started else seconds


_COMPILATIONS = _Compilations()
register("numba:compile", _COMPILATIONS)


def running_time() -> float:
    """Return the seconds of `time.perf_counter` in which nothing was compiled in this process."""
    return time.perf_counter() - _COMPILATIONS.seconds


@cache
def _writable_folder(packages: tuple[str, ...], variant: str) -> Path | None:
    # Named after all sources: numba checks the date of a function's file, not of those it calls.
    digest = hashlib.blake2b(digest_size=8)
    for package in packages:
        for path in sorted((Path(__file__).resolve().parents[1] / package).rglob("*.py")):
            digest.update(path.read_bytes())
    folder = cache_folder() / "kernels" / digest.hexdigest() / variant
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder if os.access(folder, os.W_OK) else None
