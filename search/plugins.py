"""Plug-ins: methods and data sets of other packages, found by entry points.

An installed package declares in its pyproject.toml

    [project.entry-points."sparsest.methods"]
    noisy = "noisy_pruning:METHOD"

and `noisy` can be used like a built-in method. Plug-ins that cannot be used are reported with their
package and do not affect anything else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from search.process_state import error_text, plugin_call

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

METHODS_GROUP = "sparsest.methods"
"""Group of entry points that refer to a `search.method.Method`."""

DATASETS_GROUP = "sparsest.datasets"
"""Group of entry points that refer to a function that returns a `workers.datasets.Dataset`."""

STRATEGIES_GROUP = "sparsest.strategies"
"""Group of entry points that refer to a `search.strategies.problem.Strategy`."""

_KINDS = {METHODS_GROUP: "method", DATASETS_GROUP: "data set", STRATEGIES_GROUP: "search strategy"}
"""Description of an entry point, by group."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin:
    """An entry point of an installed package.

    Attributes:
        group: `METHODS_GROUP`, `DATASETS_GROUP` or `STRATEGIES_GROUP`.
        name: name in experiments.
        package: name of the package; empty for what `register` has added.
        version: version of the package.
        value: object that the entry point refers to, MODULE:OBJECT.
        problem: reason why it cannot be used; empty if it can.
    """

    group: str
    name: str
    package: str
    version: str
    value: str
    problem: str = ""

    def __str__(self) -> str:
        origin = f"the package {self.package} {self.version}" if self.package else "this process"
        text = f"{_KINDS[self.group]} {self.name!r} of {origin}"
        return f"{text} cannot be used: {self.problem}" if self.problem else text


@dataclass(frozen=True)
class FoundPlugins(Generic[T]):
    """The entry points of a group.

    Attributes:
        plugins: all plug-ins sorted by name, including those with problems.
        usable: name -> checked object, for the plug-ins without problems.
    """

    plugins: tuple[Plugin, ...]
    usable: dict[str, T]

    def plugin(self, name: str) -> Plugin | None:
        """Return the plug-in of that name; None if there is none."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)

    def get(self, name: str) -> T | None:
        """Return the checked object of that name, or None; a ValueError if it cannot be used."""
        if name not in self.usable and (plugin := self.plugin(name)) is not None:
            raise ValueError(str(plugin))
        return self.usable.get(name)


_registered: dict[str, dict[str, object]] = {group: {} for group in _KINDS}
"""Group -> name -> object, for the plug-ins of this process that no package provides."""


def register(group: str, name: str, provided: object, found: FoundPlugins[Any]) -> None:
    """Provide a plug-in in this process alone, replacing an earlier one of the same name.

    The group is `METHODS_GROUP` or `DATASETS_GROUP`, and `found` has its plug-ins so far. A
    ValueError if the name is not valid, or that of an installed plug-in.
    """
    check_name(name)
    known = found.plugin(name)
    if known is not None and known.package:
        raise ValueError(f"the name {name!r} is taken by the {known}")
    _registered[group][name] = provided


def find_plugins(
    group: str, taken: Collection[str], check: Callable[[str, object], T]
) -> FoundPlugins[T]:
    """Find and load the entry points of a group.

    `check` returns the loaded object of a name or raises a ValueError with the problem; `taken` are
    the built-in names.
    """
    # Imported here: it takes as long as the rest of this package, which often is not searched.
    from importlib import metadata

    points = sorted(metadata.entry_points(group=group), key=lambda point: point.name)
    times = Counter(point.name for point in points)
    plugins: list[Plugin] = []
    usable: dict[str, T] = {}
    for name, provided in _registered[group].items():
        # Checked when they were registered.
        plugins.append(Plugin(group, name, "", "", ""))
        usable[name] = check(name, provided)
    taken = [*taken, *usable]
    for point in points:
        package, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
        plugin = Plugin(group, point.name, package, version, point.value)
        try:
            check_name(point.name)
            if point.name in taken:
                raise ValueError("its name is taken by a built-in one")
            if times[point.name] > 1:
                # None of them, because the choice would depend on the order of installation.
                raise ValueError(
                    "its name is taken: several installed packages have one of that name"
                )
            usable[point.name] = check(point.name, _loaded(point))
        except ValueError as error:
            plugin = replace(plugin, problem=str(error))
        plugins.append(plugin)
    return FoundPlugins(tuple(sorted(plugins, key=lambda plugin: plugin.name)), usable)


def check_function(name: str, loaded: object) -> Callable[..., Any]:
    """Return a plug-in if it is a function, as `check` of `find_plugins`; else a ValueError."""
    if not callable(loaded):
        raise ValueError(f"the entry point refers to a {type(loaded).__name__}, not a function")
    return loaded


def check_name(name: str) -> None:
    """Raise a ValueError unless a plug-in can have this name."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            "its name is not valid; allowed: 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a "
            "letter or digit"
        )


def _loaded(point: EntryPoint) -> object:
    """Return the object that an entry point refers to; a ValueError if its import fails."""
    try:
        with plugin_call(f"{_KINDS[point.group]} {point.name!r}"):
            return point.load()
    except Exception as error:  # a plug-in can raise anything
        raise ValueError(f"{point.value}: {error_text(error)}") from error
