"""Data sets with their points.

Other packages can add data sets as plug-ins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib import import_module, metadata

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.dataset_files import PREFIX, DatasetFile, held_file, is_file_dataset
from search.datasets import DATASETS, DatasetSpec, made_by_plugin, outputs_for


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled points to train on, and perhaps a test split to evaluate on.

    Attributes:
        name: value of `Experiment.dataset`.
        points: float32 [N, features], read-only, every feature with mean 0 and variance 1.
        labels: float32 [N], read-only, class numbers 0 to `classes` - 1.
        classes: number of classes.
        test: points and labels that no training sees, with the same features and classes and no
            `test` of its own; None if there are none.
        class_names: name of each class.
        feature_names: name of each feature.
        image_shape: (height, width) if the features are the pixels of an image, row by row.

    Example:
        >>> import numpy as np, sparsest
        >>> points = sparsest.standardised(np.random.default_rng(0).normal(size=(500, 2)))
        >>> mine = sparsest.Dataset.of("mine", points, points[:, 0] > 0)
        >>> len(mine), mine.features, mine.classes
        (500, 2, 2)
        >>> sparsest.register(mine)
        >>> for check in sparsest.DATASET_CHECKS:
        ...     check("mine")
    """

    name: str
    points: NDArray[np.float32]
    labels: NDArray[np.float32]
    classes: int = 2
    test: Dataset | None = None
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        points: ArrayLike,
        labels: ArrayLike,
        *,
        classes: int | None = None,
        test: tuple[ArrayLike, ArrayLike] | None = None,
        class_names: Sequence[str] = (),
        feature_names: Sequence[str] = (),
        image_shape: tuple[int, int] | None = None,
    ) -> Dataset:
        """Return a data set with a read-only float32 copy of the given numbers.

        Args:
            name: value of `Experiment.dataset`.
            points: [N, features]; see `standardised`, without which they cannot be trained on.
            labels: [N], class numbers 0 to `classes` - 1, each at least once.
            classes: number of classes; None for one more than the largest label.
            test: points [M, features] and labels [M] of the test split.
            class_names: name of each class; its number by default.
            feature_names: name of each feature; x1, x2 and so on by default.
            image_shape: (height, width) if the features are pixels, row by row.

        Raises:
            ValueError: the shapes are wrong, there are no points, a coordinate is not finite, a
                feature other than a pixel has the same value at all points, a label is no class
                number, a class has no point to train on, or there is only one class.
        """
        x, y = _arrays(name, points, labels)
        if classes is None:
            classes = max(int(y.max()), 0) + 1
        _check_labels(name, y, classes)
        present = np.unique(y)
        if classes < 2:
            raise ValueError(f"data set {name!r} has only the class 0; expected at least 2 classes")
        if len(present) < classes:
            absent = np.setdiff1d(np.arange(len(present) + 1), present)[0]
            raise ValueError(
                f"data set {name!r} has {classes} classes, but no point of class {absent} to "
                "train on; number the classes from 0 without a gap"
            )
        features = x.shape[1]
        if image_shape is not None and np.prod(image_shape) != features:
            raise ValueError(
                f"data set {name!r}: image_shape {image_shape} does not fit {features} features"
            )
        inputs = _names(name, "feature", feature_names, [f"x{n}" for n in range(1, features + 1)])
        # Every image has pixels that are never drawn on.
        constant = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
        if constant.size and image_shape is None:
            raise ValueError(
                f"data set {name!r}: feature {inputs[constant[0]]} has the same value at all "
                "points; leave it out"
            )
        outputs = _names(name, "class", class_names, [str(n) for n in range(classes)])
        described = cls(name, x, y, classes, None, outputs, inputs, image_shape)
        if test is None:
            return described
        test_x, test_y = _arrays(f"{name} (test split)", *test)
        if test_x.shape[1] != features:
            raise ValueError(
                f"data set {name!r}: points have {features} features, test points {test_x.shape[1]}"
            )
        _check_labels(f"{name} (test split)", test_y, classes)
        return replace(described, test=replace(described, points=test_x, labels=test_y))

    @property
    def outputs(self) -> int:
        """Number of outputs of a network for it: one logit for two classes, otherwise one each."""
        return outputs_for(self.classes)

    @cached_property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 over all points and labels.

        For the points to train on and then for those of the test split, if there is one: the
        numbers of points, features and classes as text such as "150 4 3;", the points row by row,
        and the labels, as little-endian float32.
        """
        digest = hashlib.sha256()
        for part in (self, self.test):
            if part is not None:
                points = np.asarray(part.points, dtype="<f4", order="C")
                digest.update(f"{len(points)} {points.shape[1]} {self.classes};".encode())
                digest.update(points.tobytes())
                digest.update(np.asarray(part.labels, dtype="<f4").tobytes())
        return digest.hexdigest()[:16]

    def parts(self) -> tuple[Dataset, Dataset]:
        """Return nine tenths of the points to train on and a tenth for validation.

        The order is a permutation whose seed is the name's hash, so that all trainings have the
        same parts. Neither part has a test split.
        """
        # Imported late: it loads numba, which commands that only read data sets do not need.
        from workers.orders import permutation

        seed = int.from_bytes(hashlib.blake2b(self.name.encode(), digest_size=8).digest(), "little")
        order = np.empty(len(self), np.uint32)
        permutation(seed, 0, order)
        count = max(1, len(self) // 10)
        trained, held_out = (
            replace(self, points=self.points[part], labels=self.labels[part], test=None)
            for part in (np.sort(order[count:]), np.sort(order[:count]))
        )
        return trained, held_out

    @property
    def features(self) -> int:
        """Number of features of a point, and so of inputs of a network."""
        return int(self.points.shape[1])

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        features = "1 feature" if self.features == 1 else f"{self.features:,} features"
        return f"Dataset({self.name}: {len(self):,} points, {features}, {self.classes} classes)"

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the number of full batches; a last, short batch is not trained on.

        A ValueError if the batch size is below 1 or exceeds the data set.
        """
        if not 1 <= batch_size <= len(self):
            raise ValueError(
                f"batch_size must be from 1 to {len(self)}, the number of points of {self.name}; "
                f"got {batch_size}"
            )
        return len(self) // batch_size


def standardised(
    points: NDArray[np.float64], like: NDArray[np.float64] | None = None, *, pixels: bool = False
) -> NDArray[np.float32]:
    """Return the points with each column's mean subtracted and divided by its deviation (ddof = 1).

    Args:
        points: float64 [N, features]; rounded to float32 before the mean is computed.
        like: float64 [M, features], points whose means and deviations are used, such as the
            training points for a test split; None for the points themselves.
        pixels: use one deviation for all columns, the root of their mean variance, so that a pixel
            that is constant becomes 0 and one that is rarely drawn on does not become large.

    Returns:
        float32 [N, features].

    Raises:
        ValueError: a feature has the same value at all points and `pixels` is False.

    Example:
        >>> import numpy as np, sparsest
        >>> points = sparsest.standardised(np.array([[0.0, 1.0], [2.0, 3.0]]))
        >>> points.mean(axis=0).tolist(), points.dtype
        ([0.0, 0.0], dtype('float32'))
    """
    rounded = points.astype(np.float32).astype(np.float64)
    reference = rounded if like is None else like.astype(np.float32).astype(np.float64)
    constant = np.flatnonzero(reference.min(axis=0) == reference.max(axis=0))
    if constant.size and not pixels:
        raise ValueError(
            f"feature {constant[0] + 1} of {rounded.shape[1]} has the same value at all points; "
            "leave it out"
        )
    deviation = reference.std(axis=0, ddof=1)
    if pixels:
        deviation = np.sqrt(np.mean(deviation**2))
    centred = rounded - reference.mean(axis=0)
    result: NDArray[np.float32] = (centred / deviation).astype(np.float32)
    return result


def check_standardised(dataset: Dataset) -> None:
    """Raise a ValueError unless every feature has mean 0 and variance 1.

    The variance of pixels is 1 on average over the image, because some pixels are constant.
    """
    points = dataset.points.astype(np.float64)
    means = points.mean(axis=0)
    # Divided by N and by N - 1: of few points, either may be the one that is 1.
    low, high = points.var(axis=0), points.var(axis=0, ddof=1)
    if dataset.image_shape is not None:
        low, high = (np.full_like(means, variances.mean()) for variances in (low, high))
    wrong = np.flatnonzero((abs(means) > 1e-3) | (low > 1.02) | (high < 0.98))
    if wrong.size:
        feature = wrong[0]
        pixels = "" if dataset.image_shape is None else ", pixels=True"
        raise ValueError(
            f"data set {dataset.name!r}: feature {dataset.feature_names[feature]} has mean "
            f"{means[feature]:.4g} and variance {low[feature]:.4g}, expected 0 and 1; make its "
            f"points with sparsest.standardised(points{pixels})"
        )


def load_dataset(name: str) -> Dataset:
    """Return the data set of that name in experiments, made once per process.

    A Parquet or CSV file is `file:PATH`; it is read again in every call.

    Raises:
        ValueError, ModuleNotFoundError: as `make_dataset`.

    Example:
        >>> import sparsest
        >>> dataset = sparsest.load_dataset("cubist-spiral")
        >>> dataset.points.shape, dataset.classes
        ((49982, 2), 2)
    """
    by_path = name.startswith(PREFIX) and not is_file_dataset(name)
    return made_once(held_file(name).name if by_path else name)


def make_dataset(name: str) -> Dataset:
    """Make the data set of that name.

    Raises:
        ValueError: no data set has that name, it is a plug-in that cannot be used, a package has
            other data than expected, or a file is missing or not a data set.
        ModuleNotFoundError: the package that has the data is not installed.
    """
    # Looking for plug-ins takes time, which a built-in data set does not need.
    if name in DATASETS:
        return _built_in(DATASETS[name])
    if name.startswith(PREFIX):
        return _in_file(held_file(name))
    return made_by_plugin(name, partial(_checked, name))


made_once = cache(make_dataset)


def _built_in(spec: DatasetSpec) -> Dataset:
    module, _, function = spec.function.partition(":")
    dataset: Dataset = getattr(import_module(module), function)(spec.name, *spec.arguments)
    # Formulas may differ in a last bit between processors; the data of a package may not.
    if spec.package and dataset.digest != spec.digest:
        raise ValueError(
            f"data set {spec.name!r} has the digest {dataset.digest}, expected {spec.digest}: the "
            f"installed {spec.package} {metadata.version(spec.package)} has other data; install "
            "the version of constraints.txt"
        )
    return dataset


def _in_file(file: DatasetFile) -> Dataset:
    """Return the data set in a file, standardised over the train split."""
    table = file.table
    train, test = table.points[~table.test], table.points[table.test]
    constant = (train == train[0]).all(axis=0)
    if constant.any():
        raise ValueError(
            f"data set {file.name!r}: feature {table.feature_names[constant.argmax()]} has the "
            "same value at all points to train on; leave it out"
        )
    return Dataset.of(
        file.name,
        standardised(train),
        table.labels[~table.test],
        test=(standardised(test, train), table.labels[table.test]) if len(test) else None,
        feature_names=table.feature_names,
    )


def _checked(name: str, made: object) -> Dataset:
    """Return a data set to train on, a plug-in's or a registered one, checked and copied."""
    if not isinstance(made, Dataset):
        raise TypeError(f"its function returned a {type(made).__name__}, not a Dataset")
    if made.name != name:
        raise ValueError(f"its Dataset is named {made.name!r}, but its entry point {name!r}")
    checked = Dataset.of(
        name,
        made.points,
        made.labels,
        classes=made.classes,
        test=None if made.test is None else (made.test.points, made.test.labels),
        class_names=made.class_names,
        feature_names=made.feature_names,
        image_shape=made.image_shape,
    )
    # Not in `Dataset.of`: accuracies are measured, and networks drawn, on any points.
    check_standardised(checked)
    return checked


def _arrays(
    name: str, points: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return read-only float32 copies of points [N, features] and labels [N]."""
    # Copies, because the caller may change its arrays later and they must stay writable.
    x = np.array(points, dtype=np.float32, order="C")
    y = np.array(labels, dtype=np.float32)
    if x.ndim != 2 or y.shape != x.shape[:1] or x.size == 0:
        raise ValueError(
            f"data set {name!r}: points have shape {list(x.shape)} and labels {list(y.shape)}; "
            "expected [N, features] and [N], with at least one point"
        )
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(
            f"data set {name!r}: feature {column + 1} of point {row} is {x[row, column]}, not a "
            "finite number"
        )
    if not np.isfinite(y).all():
        row = np.flatnonzero(~np.isfinite(y))[0]
        raise ValueError(f"data set {name!r}: the label of point {row} is {y[row]}")
    x.setflags(write=False)
    y.setflags(write=False)
    return x, y


def _check_labels(name: str, labels: NDArray[np.float32], classes: int) -> None:
    wrong = labels[(labels != np.floor(labels)) | (labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(
            f"data set {name!r} has a label {wrong[0]:g}; allowed: whole numbers from 0 to "
            f"{classes - 1}"
        )


def _names(name: str, kind: str, given: Sequence[str], default: list[str]) -> tuple[str, ...]:
    """Return the names of all classes or features."""
    if given and len(given) != len(default):
        raise ValueError(
            f"data set {name!r} has {len(given)} {kind} names; expected {len(default)}"
        )
    return tuple(given or default)
