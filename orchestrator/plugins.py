"""The plug-ins that studies use, and all that there are."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.errors import UserError
from pruning.registry import algorithm
from search.datasets import DATASETS, plugin_datasets
from search.methods import METHODS, method_named, plugin_methods
from search.plugins import Plugin
from search.study import Study
from workers.datasets import load_dataset


def all_plugins() -> list[Plugin]:
    """Every plug-in that is installed, those that cannot be used too."""
    return [*plugin_methods().plugins, *plugin_datasets().plugins]


def packages_of(studies: Iterable[Study]) -> dict[str, str]:
    """The packages whose plug-ins some studies need, each with its version.

    The algorithms are imported and the data sets made, so that what is wrong with one is told
    before anything is trained.

    Raises:
        UserError: a plug-in cannot be used.
    """
    packages: dict[str, str] = {}
    for study in studies:
        for name in sorted(study.methods - METHODS.keys()):
            plugin = plugin_methods().plugin(name)
            _check_algorithm(name, plugin)
            if plugin is not None:
                packages[plugin.package] = plugin.version
        for name in sorted(study.values("dataset") - DATASETS.keys()):
            plugin = plugin_datasets().plugin(name)
            _check_dataset(name)
            if plugin is not None:
                packages[plugin.package] = plugin.version
    return packages


def _check_algorithm(name: str, plugin: Plugin | None) -> None:
    try:
        method = method_named(name)
        function = algorithm(method)
    except Exception as error:  # somebody else's code: anything can come out of it
        raise UserError(f"{plugin} cannot be used: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise UserError(f"{plugin} cannot be used: what prunes in {method.module} is no function")


def _check_dataset(name: str) -> None:
    try:
        load_dataset(name)
    except ValueError as error:
        raise UserError(str(error)) from error
