"""Properties of a machine that determine its rows: software, code and arithmetic.

Nodes of a cluster run `node_report`, so this module imports little before that.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from orchestrator.cores import usable_cores
from storage.log.sweep_info import software_versions

PACKAGES = ("search", "pruning", "workers", "storage", "orchestrator")
"""The packages of this project that a sweep runs, and that workers on a cluster may import."""


@dataclass(frozen=True)
class NodeReport:
    """Properties of a machine.

    Attributes:
        versions: package -> version, including Python.
        code: digest of this project's sources.
        backend: value of the column `backend` in rows trained on its CPU.
    """

    host: str
    versions: dict[str, str]
    code: str
    backend: str
    cores: int


def node_report() -> NodeReport:
    """Return the properties of this machine."""
    # Imported here: numba takes a second.
    from workers.kernel.instruction_set import backend_name

    return NodeReport(
        platform.node(), software_versions(), code_digest(), backend_name(), usable_cores()
    )


def code_digest(root: Path | None = None) -> str:
    """Return the BLAKE2b digest, 64 bits, of the sources of all packages that a sweep runs."""
    digest = hashlib.blake2b(digest_size=8)
    for name, path in sources(root).items():
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def sources(root: Path | None = None) -> dict[str, Path]:
    """Return the sources of all packages that a sweep runs: name in a checkout -> path, sorted."""
    files = {}
    for package in PACKAGES:
        folder = _folder(package) if root is None else root / package
        for path in sorted(folder.rglob("*.py")):
            files[f"{package}/{path.relative_to(folder)}"] = path
    return files


def _folder(package: str) -> Path:
    """Return the folder of a package; on a node of a cluster each package is in another place."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
