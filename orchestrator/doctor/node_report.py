"""What decides the rows that a machine makes: software, code, arithmetic.

A node of a cluster runs `node_report`, so this module imports little before it is called.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from orchestrator.cores import usable_cores
from storage.log.sweep_info import software_versions

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


def code_digest(root: Path | None = None) -> str:
    """BLAKE2b, 64 bits, of the sources of all rooms that a sweep runs.

    Args:
        root: the folder that holds the rooms; None for the rooms that this process runs.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, path in sources(root).items():
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def sources(root: Path | None = None) -> dict[str, Path]:
    """The sources of all rooms that a sweep runs by their names in a checkout, in a fixed order.

    Args:
        root: as for `code_digest`.
    """
    found = {}
    for room in ROOMS:
        folder = _folder(room) if root is None else root / room
        for path in sorted(folder.rglob("*.py")):
            found[f"{room}/{path.relative_to(folder)}"] = path
    return found


def _folder(room: str) -> Path:
    """Where a room is: on a node of a cluster each has come by itself and lies apart."""
    spec = find_spec(room)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
