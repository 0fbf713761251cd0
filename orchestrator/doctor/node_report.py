"""What decides the rows that a machine makes: software, code, arithmetic.

A node of a cluster runs `node_report`, so this module imports little before it is called.
"""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from storage.sweep_info import software_versions

_ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("search", "pruning", "workers", "storage", "orchestrator")
"""The packages that a sweep runs."""


@dataclass(frozen=True)
class NodeReport:
    """A machine, as far as its rows depend on it.

    Attributes:
        host: its name.
        versions: package -> version, Python's included.
        code: digest of the sources of this project.
        backend: what the rows' column `backend` says where they are trained on its CPU.
        cores: that this process may use.
    """

    host: str
    versions: dict[str, str]
    code: str
    backend: str
    cores: int


def node_report() -> NodeReport:
    """This machine."""
    # Imported here: numba takes a second.
    from workers.fast import BACKEND

    return NodeReport(platform.node(), software_versions(), code_digest(), BACKEND, usable_cores())


def code_digest(root: Path = _ROOT) -> str:
    """BLAKE2b, 64 bits, of the sources of all rooms that a sweep runs."""
    digest = hashlib.blake2b(digest_size=8)
    for path in source_files(root):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def source_files(root: Path = _ROOT) -> list[Path]:
    """The sources of all rooms that a sweep runs, in a fixed order."""
    return [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))]


def usable_cores() -> int:
    """Cores that this process may be run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
