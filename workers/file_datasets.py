"""Data sets in files of the user."""

from __future__ import annotations

from search.dataset_files import DatasetFile
from workers.datasets import Dataset, standardised


def dataset_of(file: DatasetFile) -> Dataset:
    """Return the data set in a file; the features have mean 0 and variance 1 over the train split.

    Raises:
        ValueError: the file cannot be read, or its numbers cannot be used.
    """
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
