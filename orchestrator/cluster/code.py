"""This project's packages for the nodes of a cluster: they run the driver's version of them.

Ray packs the folders, keeps the archive on the head under a digest of its content, and every node
unpacks it once and puts it before what is installed there. Other packages are the nodes' own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.doctor.node_report import ROOMS

_ROOT = Path(__file__).resolve().parents[2]


def shipped_code() -> dict[str, Any]:
    """The `runtime_env` of a job: half a megabyte of sources, nothing else of the checkout."""
    return {
        "py_modules": [str(_ROOT / room) for room in ROOMS],
        "excludes": ["__pycache__/"],
    }
