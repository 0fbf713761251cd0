"""Checks of a machine's resources: cores, memory and the cache folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil

from orchestrator.cores import usable_cores
from orchestrator.display.formatting import human_bytes
from orchestrator.doctor.finding import Finding, ok, problem, warning
from search.cache_folder import cache_folder
from storage.reading.connections import container_memory

WORKER_BYTES = 600_000_000
"""Memory of a training process with torch, numba and the rows of a task, rounded up."""

SLOW_CACHE_S = 2.0
"""Seconds for a small file above which the cache folder delays the start of every worker."""

_SAMPLE_BYTES = 2**20


def check_resources() -> Iterator[Finding]:
    """Yield all findings of this module."""
    cores = usable_cores()
    yield check_cores(cores, os.cpu_count() or cores)
    yield check_memory(min(psutil.virtual_memory().total, container_memory()), cores)
    yield check_cache(cache_folder())


def check_cores(usable: int, installed: int) -> Finding:
    """Report the number of cores that workers can use."""
    limit = "" if usable == installed else f" of {installed}; this process may not use more"
    return ok("cores", f"{usable}{limit}")


def check_memory(total: int, cores: int) -> Finding:
    """Check that there is memory, in bytes, for one worker per core."""
    workers = total // WORKER_BYTES
    if workers < 1:
        advice = f"a training process needs about {human_bytes(WORKER_BYTES)}"
        return problem("memory", human_bytes(total), advice)
    if workers < cores:
        found = f"{human_bytes(total)} for {cores} workers, one per core"
        return warning("memory", found, f"use --workers {workers}")
    return ok("memory", human_bytes(total))


def check_cache(folder: Path) -> Finding:
    """Check that the folder for compiled kernels is writable, and how fast it is."""
    what = "cache folder"
    file = folder / f"doctor-{uuid4().hex}"
    start = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("wb") as stream:
                stream.write(bytes(_SAMPLE_BYTES))
                os.fsync(stream.fileno())
            file.read_bytes()
        finally:
            file.unlink(missing_ok=True)
    except OSError as error:
        return warning(
            what,
            f"{folder} is not writable ({error.strerror}): every process compiles the kernels",
            "set SPARSEST_CACHE to a folder on this machine",
        )
    seconds = time.perf_counter() - start
    found = f"{folder}, {human_bytes(_SAMPLE_BYTES / seconds)}/s"
    if seconds > SLOW_CACHE_S:
        return warning(what, found, "set SPARSEST_CACHE to a folder on a disk of this machine")
    return ok(what, found)
