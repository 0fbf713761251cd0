"""Checks of what a machine offers: cores, memory, a cache folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from orchestrator.cores import usable_cores
from orchestrator.display.formatting import human_bytes
from orchestrator.doctor.finding import Finding, ok, problem, warning
from workers.cache_folder import cache_folder

WORKER_BYTES = 600_000_000
"""Memory of a training process, with room to spare: torch, numba and a task's rows."""

SLOW_CACHE_S = 2.0
"""A small file in the cache folder that takes longer makes every worker's start slow."""

_SAMPLE = 2**20
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def check_resources() -> Iterator[Finding]:
    """Everything of this module, one finding after the other."""
    cores = usable_cores()
    yield check_cores(cores, quota(_QUOTA))
    yield check_memory(memory(_MEMORY_LIMIT), cores)
    yield check_cache(cache_folder())


def check_cores(cores: int, allowed: float | None) -> Finding:
    """Cores, against the processor time that a container may use.

    Args:
        cores: that the process may be run on.
        allowed: processor time in cores; None where it is not limited.
    """
    if allowed is not None and allowed < cores:
        advice = f"say --workers {max(1, int(allowed))}: more would only wait for each other"
        return warning("cores", f"{cores}, of which this container may use {allowed:g}", advice)
    return ok("cores", str(cores))


def check_memory(total: int, cores: int) -> Finding:
    """Memory, for a worker a core.

    Args:
        total: bytes.
        cores: as many workers.
    """
    fitting = total // WORKER_BYTES
    if fitting < 1:
        advice = f"a training process needs about {human_bytes(WORKER_BYTES)}"
        return problem("memory", human_bytes(total), advice)
    if fitting < cores:
        found = f"{human_bytes(total)} for {cores} workers, one a core"
        return warning("memory", found, f"say --workers {fitting}")
    return ok("memory", human_bytes(total))


def check_cache(folder: Path) -> Finding:
    """Whether the folder for compiled kernels can be written, and how fast."""
    what = "cache folder"
    file = folder / f"doctor-{uuid4().hex}"
    start = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("wb") as stream:
                stream.write(bytes(_SAMPLE))
                os.fsync(stream.fileno())
            file.read_bytes()
        finally:
            file.unlink(missing_ok=True)
    except OSError as error:
        return warning(
            what,
            f"{folder} cannot be written ({error.strerror}): every process compiles for itself",
            "set SPARSEST_CACHE to a folder on this machine",
        )
    seconds = time.perf_counter() - start
    found = f"{folder}, {human_bytes(_SAMPLE / seconds)}/s"
    if seconds > SLOW_CACHE_S:
        return warning(what, found, "set SPARSEST_CACHE to a folder on a disk of this machine")
    return ok(what, found)


def quota(file: Path) -> float | None:
    """Cores of processor time that a container may use, None where it is not limited."""
    try:
        allowed, period = file.read_text().split()
    except (OSError, ValueError):
        return None
    return None if allowed == "max" else int(allowed) / int(period)


def memory(limit: Path) -> int:
    """Bytes of the machine's memory, or of what a container may use of it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int(limit.read_text()))
    except (OSError, ValueError):
        return total
