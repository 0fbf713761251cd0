"""All data sets, described without their points.

Other packages add data sets as plug-ins. The functions that make the points are in
`workers`; nothing here imports them until a plug-in's size is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from search.plugins import DATASETS_GROUP, FoundPlugins, find_plugins


@dataclass(frozen=True)
class DatasetSpec:
    """A data set.

    Attributes:
        name: value of `Experiment.dataset`.
        points: number of points.
        features: number of inputs of a network for it.
        function: function that makes it, MODULE:NAME; empty for a plug-in.
    """

    name: str
    points: int
    features: int
    function: str = ""


CUBIST_SPIRAL = DatasetSpec("cubist-spiral", 49_982, 2, "workers.datasets:cubist_spiral")
"""The paper's data set (docs/paper.md, section 2)."""

DATASETS: dict[str, DatasetSpec] = {dataset.name: dataset for dataset in (CUBIST_SPIRAL,)}
"""The built-in data sets by name."""


@cache
def plugin_datasets() -> FoundPlugins[Callable[[], object]]:
    """Find the functions that make the data sets of other packages, once per process."""
    return find_plugins(DATASETS_GROUP, DATASETS, _check_function)


def dataset_names() -> list[str]:
    """Return the names of all data sets, plug-ins after the built-in ones."""
    return [*DATASETS, *plugin_datasets().usable]


def dataset_named(name: str) -> DatasetSpec:
    """Return the data set of that name; a plug-in's points are made to count them.

    Raises:
        ValueError: there is no such data set, or it is a plug-in that cannot be used.
    """
    if name in DATASETS:
        return DATASETS[name]
    # Imported by name, because `search` does not depend on `workers`, which checks the data set.
    made = import_module("workers.datasets").load_dataset(name)
    return DatasetSpec(name, len(made), made.features)


def _check_function(name: str, loaded: object) -> Callable[[], object]:
    if not callable(loaded):
        raise ValueError(
            f"the entry point refers to a {type(loaded).__name__}, not a function that makes a "
            "Dataset"
        )
    return loaded
