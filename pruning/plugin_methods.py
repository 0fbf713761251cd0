"""Whether a method that another package brings can be one."""

from __future__ import annotations

import math
import re

from pydantic import BaseModel

from pruning.method import TO_TARGET, Method
from search.settings import Setting
from search.sweeps.keys import FILE_KEYS

_SETTING = re.compile(r"[a-z][a-z0-9_]*")


def check_method(name: str, brought: object) -> Method:
    """The method that a plug-in brings, if it is one.

    Args:
        name: of the entry point.
        brought: what the entry point names.

    Raises:
        ValueError: it is none, or says something of itself that cannot be.
    """
    if not isinstance(brought, Method):
        raise ValueError(
            f"the entry point names a {type(brought).__name__}, not a pruning.method.Method"
        )
    if brought.name != name:
        raise ValueError(f"its Method is called {brought.name!r}, its entry point {name!r}")
    if name in FILE_KEYS or hasattr(BaseModel, name):
        raise ValueError("its name is taken: it means something else in sweep files")
    if brought.prunes not in ("before", "during"):
        raise ValueError(f"prunes is {brought.prunes!r}; allowed are 'before' and 'during'")
    if brought.keys != TO_TARGET:
        raise ValueError("keys must be pruning.method.TO_TARGET")
    if not brought.module:
        raise ValueError("module does not name the file with the algorithm")
    cost: tuple[float, ...] = brought.cost  # whatever its author has put there
    if len(cost) != 2 or not all(math.isfinite(part) and part > 0 for part in cost):
        raise ValueError("cost must be two numbers above 0: ms a network, ns a weight")
    for word, setting in brought.settings.items():
        _check_setting(word, setting)
    if brought.steps_at_least and brought.steps_at_least not in brought.settings:
        raise ValueError(f"steps_at_least names {brought.steps_at_least!r}, which is no setting")
    return brought


def _check_setting(name: str, setting: object) -> None:
    if not _SETTING.fullmatch(name) or hasattr(BaseModel, name):
        raise ValueError(
            f"setting {name!r} has a name that is not valid; allowed are a-z, 0-9 and '_', the "
            "first a letter, and nothing that pydantic's models have for themselves"
        )
    if not isinstance(setting, Setting):
        raise ValueError(
            f"setting {name!r} is a {type(setting).__name__}, not a search.settings.Setting"
        )
    if not setting.allows(setting.default):
        raise ValueError(f"setting {name!r}: its default {setting.default!r} is not allowed")
