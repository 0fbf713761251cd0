"""The folder for what is measured or compiled once per machine and can be recreated."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return $SPARSEST_CACHE or, by default, the user's cache folder for `sparsest`.

    On Linux the default is `sparsest` in $XDG_CACHE_HOME or ~/.cache. The folder need not exist.
    """
    named = os.environ.get("SPARSEST_CACHE")
    if named:
        return Path(named)
    # Imported here: most commands import this module and use no such folder.
    import platformdirs

    return platformdirs.user_cache_path("sparsest", appauthor=False)
