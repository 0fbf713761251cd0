"""Start a module of the project in another Python process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def child_command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module in a Python like this one."""
    # -P: not from the current folder, where a file may have the name of a module.
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """Return the environment in which a child finds the modules that this process finds.

    A notebook may have changed its search path. One that was started beside the project finds the
    project in the current folder, from which it may have moved since.
    """
    paths, project = [str(path) for path in sys.path], str(Path(__file__).resolve().parents[1])
    if project not in paths:
        paths.insert(0, project)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
