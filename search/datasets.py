"""All data sets, described without their points.

Other packages add data sets as plug-ins. The functions that make the points are elsewhere; only a
plug-in's is called here, when its size is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from search.plugins import DATASETS_GROUP, FoundPlugins, find_plugins
from search.process_state import plugin_call

T = TypeVar("T")


def outputs_for(classes: int) -> int:
    """Return the number of outputs of a network: one logit for two classes, otherwise one each."""
    return 1 if classes == 2 else classes


@dataclass(frozen=True)
class DatasetSpec:
    """A data set.

    Attributes:
        name: value of `Experiment.dataset`.
        points: number of points to train on.
        features: number of inputs of a network for it.
        function: function that makes it, MODULE:NAME; empty for a plug-in.
        classes: number of classes.
        test_points: number of points of the test split; 0 without one.
        digest: `workers.datasets.Dataset.digest`.
    """

    name: str
    points: int
    features: int
    function: str = ""
    classes: int = 2
    test_points: int = 0
    digest: str = ""

    @property
    def outputs(self) -> int:
        """Number of outputs of a network for it."""
        return outputs_for(self.classes)


CUBIST_SPIRAL = DatasetSpec(
    "cubist-spiral", 49_982, 2, "workers.datasets:cubist_spiral", digest="aa164957c7ff09cc"
)
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
    return DATASETS[name] if name in DATASETS else plugin_dataset(name)


@cache
def plugin_dataset(name: str) -> DatasetSpec:
    """Return the description of a plug-in's data set, made once per process.

    Raises:
        ValueError: as `dataset_named`.
    """

    def described(made: Any) -> DatasetSpec:
        test_points = 0 if made.test is None else len(made.test)
        return DatasetSpec(
            name,
            len(made),
            made.features,
            classes=made.classes,
            test_points=test_points,
            digest=made.digest,
        )

    return made_by_plugin(name, described)


def made_by_plugin(name: str, convert: Callable[[object], T]) -> T:
    """Make a plug-in's data set and convert it.

    Args:
        name: name of the data set.
        convert: function of what the plug-in's function returns.

    Raises:
        ValueError: no data set has that name, or it is a plug-in that cannot be used.
    """
    found = plugin_datasets()
    plugin = found.plugin(name)
    if plugin is None:
        raise ValueError(f"unknown dataset {name!r}; available: {', '.join(dataset_names())}")
    if plugin.problem:
        raise ValueError(str(plugin))
    try:
        with plugin_call(f"data set {name!r}"):
            made = found.usable[name]()
        return convert(made)
    except Exception as error:  # third-party code may raise anything
        raise ValueError(f"{plugin} cannot be made: {type(error).__name__}: {error}") from error


def _check_function(name: str, loaded: object) -> Callable[[], object]:
    if not callable(loaded):
        raise ValueError(
            f"the entry point refers to a {type(loaded).__name__}, not a function that makes a "
            "Dataset"
        )
    return loaded
