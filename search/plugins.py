"""What other packages bring: things that they name in entry points, found when asked for.

A package that is installed beside this one says in its pyproject.toml

    [project.entry-points."sparsest.methods"]
    noisy = "noisy_pruning:METHOD"

and `noisy` can be used wherever the name of a method of the project's own can. One that cannot be
used is told, with the name of its package, and disturbs nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Generic, TypeVar

from search.process_state import plugin_call

METHODS_GROUP = "sparsest.methods"
"""Entry points that name a `pruning.method.Method`."""

DATASETS_GROUP = "sparsest.datasets"
"""Entry points that name a function which makes a `workers.datasets.Dataset`."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

T = TypeVar("T")


@dataclass(frozen=True)
class Plugin:
    """An entry point of an installed package.

    Attributes:
        group: `METHODS_GROUP` or `DATASETS_GROUP`.
        name: what experiments call it.
        package: that brings it.
        version: of the package.
        value: what the entry point names, MODULE:OBJECT.
        problem: why it cannot be used; empty where it can.
    """

    group: str
    name: str
    package: str
    version: str
    value: str
    problem: str = ""

    def __str__(self) -> str:
        what = "method" if self.group == METHODS_GROUP else "data set"
        said = f"{what} {self.name!r} of the package {self.package} {self.version}"
        return f"{said} cannot be used: {self.problem}" if self.problem else said


@dataclass(frozen=True)
class Found(Generic[T]):
    """The entry points of a group.

    Attributes:
        plugins: all of them, by name; those with a problem too.
        usable: name -> what a plug-in without a problem named.
    """

    plugins: tuple[Plugin, ...]
    usable: dict[str, T]

    def plugin(self, name: str) -> Plugin | None:
        """The plug-in of that name, None where there is none or it is the project's own."""
        return next((plugin for plugin in self.plugins if plugin.name == name), None)

    @property
    def problems(self) -> tuple[Plugin, ...]:
        """Those that cannot be used."""
        return tuple(plugin for plugin in self.plugins if plugin.problem)


def find_plugins(group: str, taken: Collection[str], check: Callable[[str, object], T]) -> Found[T]:
    """Finds and loads the entry points of a group.

    Args:
        group: of the entry points.
        taken: names that the project uses itself.
        check: called with the name and the object that a plug-in brings; returns the object.
            Raises ValueError, saying what is wrong, where it is not what it should be.
    """
    points = sorted(metadata.entry_points(group=group), key=lambda point: point.name)
    times = Counter(point.name for point in points)
    plugins: list[Plugin] = []
    usable: dict[str, T] = {}
    for point in points:
        package, version = ("?", "?") if point.dist is None else _named(point.dist)
        plugin = Plugin(group, point.name, package, version, point.value)
        try:
            _check_name(point.name, taken, times)
            usable[point.name] = check(point.name, _loaded(point))
        except ValueError as error:
            plugin = replace(plugin, problem=str(error))
        plugins.append(plugin)
    return Found(tuple(plugins), usable)


def _named(package: metadata.Distribution) -> tuple[str, str]:
    return package.name, package.version


def _check_name(name: str, taken: Collection[str], times: Counter[str]) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "its name is not valid; allowed are 1 to 64 of a-z, 0-9, '.', '_' and '-', the first "
            "a letter or digit"
        )
    if name in taken:
        raise ValueError("its name is taken: sparsest has one of its own that is called so")
    if times[name] > 1:
        # Neither: which one an experiment means must not depend on the order of installation.
        raise ValueError("its name is taken: several installed packages bring one of that name")


def _loaded(point: metadata.EntryPoint) -> object:
    """What an entry point names.

    Raises:
        ValueError: it cannot be imported, whatever its module raises.
    """
    kind = "method" if point.group == METHODS_GROUP else "data set"
    try:
        with plugin_call(f"{kind} {point.name!r}"):
            return point.load()
    except Exception as error:  # somebody else's code: anything can come out of it
        raise ValueError(f"{point.value}: {type(error).__name__}: {error}") from error
