"""Validation of the methods that other packages provide."""

from __future__ import annotations

import math
import re

from pydantic import BaseModel

from search.method import TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET, Method
from search.settings import Setting
from search.sweeps.keys import FILE_KEYS

_SETTING = re.compile(r"[a-z][a-z0-9_]*")


def check_method(name: str, loaded: object) -> Method:
    """Return the method that a plug-in provides; a ValueError if it is not a valid `Method`."""
    if not isinstance(loaded, Method):
        raise ValueError(f"the entry point refers to a {type(loaded).__name__}, not a Method")
    if loaded.name != name:
        raise ValueError(f"its Method is named {loaded.name!r}, its entry point {name!r}")
    if name in FILE_KEYS or hasattr(BaseModel, name):
        raise ValueError("its name is taken: it has another meaning in sweep files")
    if loaded.prunes not in ("before", "during", "adaptive"):
        raise ValueError(
            f"prunes is {loaded.prunes!r}; allowed: 'before', 'during', 'adaptive' (which can also "
            "prune after training: request the training, then return the pruned network)"
        )
    if loaded.keys not in (TO_TARGET, TO_TARGET_OR_ACCURACY, WITHOUT_TARGET):
        raise ValueError("keys must be TO_TARGET, TO_TARGET_OR_ACCURACY or WITHOUT_TARGET")
    if loaded.validates and loaded.prunes != "adaptive":
        raise ValueError(f"validates is for adaptive methods, and prunes is {loaded.prunes!r}")
    if not loaded.module:
        raise ValueError("module is empty; allowed: the module with the algorithm")
    cost: tuple[float, ...] = loaded.cost  # not checked by mypy in a plug-in
    if len(cost) != 2 or not all(math.isfinite(part) and part > 0 for part in cost):
        raise ValueError("cost must be two numbers above 0: ms for a network, ns for a weight")
    for key, setting in loaded.settings.items():
        _check_setting(key, setting)
    for attribute in ("steps_at_least", "rounds_setting"):
        key = getattr(loaded, attribute)
        if key and key not in loaded.settings:
            raise ValueError(f"{attribute} is {key!r}, which is not one of its settings")
        if key and loaded.settings[key].choices:
            raise ValueError(f"{attribute} is {key!r}, whose values are words and not numbers")
    return loaded


def _check_setting(name: str, setting: object) -> None:
    if not _SETTING.fullmatch(name) or hasattr(BaseModel, name):
        raise ValueError(
            f"setting {name!r} has an invalid name; allowed: a-z, 0-9 and '_', starting with a "
            "letter, and no attribute of pydantic's models"
        )
    if not isinstance(setting, Setting):
        raise ValueError(f"setting {name!r} is a {type(setting).__name__}, not a Setting")
    if not setting.allows(setting.default):
        raise ValueError(f"setting {name!r}: its default {setting.default!r} is not allowed")
