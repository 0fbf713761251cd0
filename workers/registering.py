"""Methods and data sets of this process, such as those that a notebook defines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pruning.registry import register_algorithm
from search.datasets import DATASETS, plugin_dataset, plugin_datasets
from search.method import Method
from search.methods import METHODS, plugin_methods
from search.plugin_methods import check_method
from search.plugins import DATASETS_GROUP, METHODS_GROUP
from search.plugins import register as register_plugin
from workers.datasets import Dataset, made_once

_COST = (1.0, 200.0)
"""Cost of a method that states none: that of a gradient over a few batches."""


def register(provided: Method | Dataset, algorithm: Callable[..., Any] | None = None) -> None:
    """Make a method or a data set available in this process, without installing a package.

    Only `train` without a store uses it: rows in a store outlive the process, and need a package
    (`sparsest new`) to train them again. Registering the same name again replaces the first.

    Args:
        provided: the method, or the data set.
        algorithm: of a method: the function that its phase requires, `prune`, `begin` or
            `requests` (see `Method.prunes`); None for the one in `Method.module`.

    Raises:
        ValueError: the name is taken by a built-in or installed one or is not valid, or the method
            is not valid.

    Example:
        >>> import numpy as np, sparsest
        >>> def prune(experiment, layers, batches):
        ...     sizes = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
        ...     kept = sparsest.highest(sizes, sparsest.target_of(experiment, len(sizes)))
        ...     masks = sparsest.by_layer(kept, [weight.shape for weight, _ in layers])
        ...     return sparsest.Pruned(masks, sparsest.bias_masks(masks))
        >>> sparsest.register(sparsest.Method("largest", "before", sparsest.TO_TARGET), prune)
        >>> for check in sparsest.FAST_METHOD_CHECKS:
        ...     check("largest")
        >>> rows = sparsest.train("largest", width=4, target_nnz=20, epochs=1)
        >>> rows.df().weight_nnz.tolist()
        [20]
    """
    name = provided.name
    if isinstance(provided, Dataset):
        if name in DATASETS:
            raise ValueError(f"the name {name!r} is taken by a built-in data set")
        register_plugin(DATASETS_GROUP, name, lambda: provided, plugin_datasets())
        for cached in (plugin_datasets, plugin_dataset, made_once):
            cached.cache_clear()
        return
    if name in METHODS:
        raise ValueError(f"the name {name!r} is taken by a built-in method")
    if algorithm is not None:
        provided = replace(provided, module=provided.module or algorithm.__module__)
    if provided.cost == (0.0, 0.0):
        provided = replace(provided, cost=_COST)
    register_plugin(METHODS_GROUP, name, check_method(name, provided), plugin_methods())
    if algorithm is not None:
        register_algorithm(name, algorithm)
    plugin_methods.cache_clear()
