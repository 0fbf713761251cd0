"""Compilation with Numba, cached on disk."""

from __future__ import annotations

import hashlib
import os
import sys
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


class _Announcement(Listener):  # type: ignore[misc]
    """Says once, on a terminal, why nothing seems to happen: compiling can take a minute."""

    def __init__(self) -> None:
        self._made = False

    def on_start(self, event: object) -> None:
        if not self._made and sys.stderr.isatty():
            often = "once" if os.access(cache_folder(), os.W_OK) else "in every process"
            print(
                f"compiling functions for this processor, {often}: up to a minute", file=sys.stderr
            )
        self._made = True

    def on_end(self, event: object) -> None:
        """Say nothing."""


register("numba:compile", _Announcement())


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
