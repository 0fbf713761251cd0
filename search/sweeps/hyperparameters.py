"""Hyperparameters in a sweep file: what the experiments of a method get from its table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from search.datasets import dataset_named
from search.methods import method_named
from search.settings import Setting
from search.sweeps.rules import Hyperparameters, RefusalError, SweepTable

_MAX_COMBINATIONS = 100_000
"""Combinations of a method's hyperparameters: they are held in memory."""


def every_combination(
    tables: Mapping[str, Mapping[str, Any]],
) -> dict[str, Sequence[Hyperparameters]]:
    """What the tables of a file give to the experiments of each method that has one.

    Args:
        tables: method -> its table, each key with a canonical value or a list of them.

    Returns:
        For each method its combinations, in the order of the method's settings, the first one
        slowest. Values of the authors are not named in them; {} where no table has any other.

    Raises:
        RefusalError: too many combinations.
    """
    found: dict[str, Sequence[Hyperparameters]] = {}
    for method, table in tables.items():
        settings = method_named(method).settings
        lists = [
            table[name] if isinstance(table[name], list) else [table[name]]
            for name in settings
            if name in table
        ]
        count = prod(map(len, lists))
        if count > _MAX_COMBINATIONS:
            raise RefusalError(
                f"[{method}]: makes {count} combinations; allowed: {_MAX_COMBINATIONS} a method"
            )
        names = [name for name in settings if name in table]
        found[method] = [_differing(names, values, settings) for values in product(*lists)]
    # As in a file without tables, so that its study is the same one.
    return found if any(any(given) for given in found.values()) else {}


def _differing(
    names: Sequence[str], values: Sequence[int | float], settings: Mapping[str, Setting]
) -> Hyperparameters:
    """`Experiment.hyperparameters`: what differs from the authors' values, by name."""
    pairs = zip(names, values, strict=True)
    return tuple(sorted((name, value) for name, value in pairs if value != settings[name].default))


def check_used(tables: Collection[str], methods: Collection[str]) -> None:
    """Passes where every table is of a method that the file's experiments have.

    Args:
        tables: methods that have one.
        methods: those of the experiments, in their order.

    Raises:
        RefusalError: a table would change nothing.
    """
    for method in tables:
        if method not in methods:
            raise RefusalError(
                f"[{method}]: no experiment of the file has this method; allowed: tables of "
                f"{', '.join(map(repr, methods))}, or method = {method!r} in [base] or [grid]"
            )


def check_steps(
    table: SweepTable, hyperparameters: Mapping[str, Sequence[Hyperparameters]]
) -> None:
    """Passes where every training of a [grid] table has the steps that its method needs.

    Args:
        table: the [grid] table.
        hyperparameters: as `every_combination` returns them.

    Raises:
        RefusalError: a training would be too short.
    """
    # Every combination occurs: so does the shortest training.
    epochs, size = min(table.values["epochs"]), max(table.values["batch_size"])
    for method in table.values["method"]:
        rules = method_named(method)
        name = rules.steps_at_least
        if not name:
            continue
        setting = rules.settings[name]
        needed = max(
            dict(given).get(name, setting.default) for given in hyperparameters.get(method, [()])
        )
        for dataset in table.values["dataset"]:
            steps_an_epoch = dataset_named(dataset).points // size
            steps = epochs * steps_an_epoch
            if steps < needed:
                fewer = f", or {name} up to {steps} in [{method}]" if steps >= setting.least else ""
                table.refuse(
                    "epochs",
                    f"cannot be {epochs} with batch_size {size}: on {dataset} that makes {steps} "
                    f"steps, and method {method!r} with {name} = {needed} needs at least {needed}; "
                    f"allowed: epochs from {-(-int(needed) // steps_an_epoch)}, a smaller "
                    f"batch_size{fewer}",
                )
