"""The hyperparameters in the method tables of a sweep file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from search.datasets import dataset_named
from search.methods import method_named
from search.sweeps.rules import Hyperparameters, RefusalError, SweepTable

_MAX_COMBINATIONS = 100_000
"""Maximum number of combinations of a method's hyperparameters, which are held in memory."""


def every_combination(
    tables: Mapping[str, Mapping[str, Any]],
) -> dict[str, Sequence[Hyperparameters]]:
    """Return the combinations of hyperparameters of each method that has a table.

    The tables, by method, have a canonical value or a list of them for each key. The combinations
    are in the order of the settings, the first one slowest, without the authors' values; {} if
    there are no other values. A `RefusalError` if there are too many.
    """
    found: dict[str, Sequence[Hyperparameters]] = {}
    for method, table in tables.items():
        settings = method_named(method).settings
        names = [name for name in settings if name in table]
        lists = [table[name] if isinstance(table[name], list) else [table[name]] for name in names]
        count = prod(map(len, lists))
        if count > _MAX_COMBINATIONS:
            raise RefusalError(
                f"[{method}]: has {count} combinations; allowed: {_MAX_COMBINATIONS} for a method"
            )
        pairs = (zip(names, values, strict=True) for values in product(*lists))
        found[method] = [
            tuple(sorted((name, value) for name, value in each if value != settings[name].default))
            for each in pairs
        ]
    # With the authors' values only, the study is that of a file without method tables.
    return found if any(any(values) for values in found.values()) else {}


def check_used(tables: Collection[str], methods: Collection[str]) -> None:
    """Raise a `RefusalError` for a method table that no experiment of the file uses."""
    for method in tables:
        if method not in methods:
            raise RefusalError(
                f"[{method}]: no experiment of the file has this method; allowed: tables of "
                f"{', '.join(map(repr, methods))}, or method = {method!r} in [base] or [grid]"
            )


def check_steps(
    table: SweepTable, hyperparameters: Mapping[str, Sequence[Hyperparameters]]
) -> None:
    """Raise a `RefusalError` if a training of a table has fewer steps than its method needs."""
    if table.values.get("target_accuracy"):
        return  # The rounds of `pruning.to_accuracy` prune at the start of epochs.
    # Every combination occurs, so the shortest training does too.
    epochs, size = min(table.values["epochs"]), max(table.values["batch_size"])
    for method in table.values["method"]:
        specification = method_named(method)
        name = specification.steps_at_least
        if not name:
            continue
        setting = specification.settings[name]
        needed = max(
            int(dict(values).get(name, setting.default))
            for values in hyperparameters.get(method, [()])
        )
        for dataset in table.values["dataset"]:
            steps_per_epoch = dataset_named(dataset).points // size
            steps = epochs * steps_per_epoch
            if steps < needed:
                fewer = f", or {name} up to {steps} in [{method}]" if steps >= setting.least else ""
                table.refuse(
                    "epochs",
                    f"cannot be {epochs} with batch_size {size}: on {dataset} that is {steps} "
                    f"steps, and method {method!r} with {name} = {needed} needs at least {needed}; "
                    f"allowed: epochs from {-(-needed // steps_per_epoch)}, a smaller "
                    f"batch_size{fewer}",
                )
