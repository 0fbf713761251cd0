"""Whether Python finds this project's packages, or files of the user's that have their names.

Their names are common words, and Python looks for `search` in the current folder first: when it was
started there with `-m`, by a notebook or as a shell. This module stands alone, since whatever it
imported of the project could be what is hidden.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

ROOMS = ("search", "pruning", "workers", "storage", "orchestrator", "analysis")


def require_rooms() -> None:
    """Does nothing where every package is found beside this file.

    Raises:
        ImportError: something else of that name is found first.
    """
    root = Path(__file__).resolve().parent
    for room in ROOMS:
        spec = find_spec(room)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if [Path(place).resolve() for place in places] == [root / room]:
            continue
        if spec is None:
            raise ImportError(f"sparsest lacks its package {room!r}: install it again")
        hiding = spec.origin or ", ".join(places)
        raise ImportError(
            f"{hiding} hides the package {room!r} of sparsest: rename it, or start Python in "
            "another folder"
        )
