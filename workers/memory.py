"""A limit on a worker's memory, so that an experiment that eats it fails alone.

Without one the node runs out of memory, and it is Ray's memory monitor or the kernel that chooses a
process to kill: not always the one at fault. With one an allocation fails in the worker, as a
MemoryError that names itself, or at worst as the end of this process.
"""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger(__name__)

AT_LEAST = 2 * 2**30
"""Bytes that a worker may always have: numba and torch take half a gigabyte before any training."""


def limit_memory(share: int) -> None:
    """Limits what this process can allocate from now on; does nothing where there is no such limit.

    Args:
        share: bytes of the machine's memory for each worker.
    """
    if sys.platform != "linux":
        return  # elsewhere the limit exists in name only
    import resource

    # Not RLIMIT_AS, which counts the files and shared memory that Ray maps too.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = max(AT_LEAST, share)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (OSError, ValueError) as error:
        logger.warning("no limit on memory: %s", error)
