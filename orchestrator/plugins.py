"""The plug-ins and packages of studies, and all installed plug-ins."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from orchestrator.errors import UserError, describe_error, user_errors
from search.datasets import DATASETS, plugin_datasets
from search.methods import METHODS, method_named, plugin_methods
from search.plugins import Plugin
from search.strategies.catalogue import plugin_strategies
from search.study import Study


def all_plugins() -> list[Plugin]:
    """Return all installed plug-ins, including those that cannot be used."""
    return [
        *plugin_methods().plugins,
        *plugin_datasets().plugins,
        *plugin_strategies().plugins,
    ]


def packages_of(studies: Iterable[Study]) -> dict[str, str]:
    """Return name and version of the packages whose plug-ins or data some studies need.

    The algorithms are imported and the data sets made, so that a broken one is reported before
    anything is trained.

    Raises:
        UserError: a plug-in or a data set cannot be used, or a package has other data than
            expected.
        ModuleNotFoundError: the package of a built-in data set is not installed.
    """
    packages: dict[str, str] = {}
    for study in studies:
        for name in sorted(study.values("method") - METHODS.keys()):
            plugin = plugin_methods().plugin(name)
            _check_algorithm(name, plugin)
            if plugin is not None and plugin.package:
                packages[plugin.package] = plugin.version
        for name in sorted(study.values("dataset")):
            if name in DATASETS and not DATASETS[name].package:
                continue
            from workers.datasets import load_dataset

            with user_errors():
                load_dataset(name)
            if name in DATASETS:
                package = DATASETS[name].package
                packages[package] = metadata.version(package)
            elif (plugin := plugin_datasets().plugin(name)) is not None and plugin.package:
                packages[plugin.package] = plugin.version
    return packages


def registered_here(studies: Iterable[Study]) -> list[Plugin]:
    """Return the plug-ins that some studies need and that only this process has."""
    studies = list(studies)
    kinds = ("method", "dataset")
    wanted = {name for study in studies for kind in kinds for name in study.values(kind)}
    return [plugin for plugin in all_plugins() if plugin.name in wanted and not plugin.package]


def _check_algorithm(name: str, plugin: Plugin | None) -> None:
    # Imported here: commands that list plug-ins need neither numpy nor torch.
    from pruning.registry import algorithm

    try:
        method = method_named(name)
        function = algorithm(method)
    except (Exception, SystemExit) as error:  # the plug-in's code can raise anything
        raise UserError(f"{plugin} cannot be used: {describe_error(error)}") from error
    if not callable(function):
        raise UserError(f"{plugin} cannot be used: {method.module} has no pruning function")
