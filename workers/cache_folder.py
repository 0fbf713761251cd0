"""The folder for what is measured or compiled once on a machine and can always be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$SPARSEST_CACHE, else `sparsest` in $XDG_CACHE_HOME, else ~/.cache/sparsest.

    The folder need not exist.
    """
    named = os.environ.get("SPARSEST_CACHE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "sparsest"
