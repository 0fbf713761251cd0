"""Data sets in files of the user.

`file:PATH` in a sweep file or on the command line names a Parquet or CSV file with a column
`label`, perhaps a column `split`, and one column for each feature. In experiments it is called
`file:NAME:DIGEST`, so that other points are another data set. Workers are sent the bytes of the
file. A copy in the cache folder serves later commands, wherever they run.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from search.cache_folder import cache_folder

if TYPE_CHECKING:
    # Imported late where it is used: commands that name no file need not load it.
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

PREFIX = "file:"
"""First characters of the name of a data set in a file."""

LABEL, SPLIT = "label", "split"
"""Columns of a file that are no features."""

_ROW_NUMBERS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
"""Names that pandas gives to a column of row numbers, in CSV, after reading CSV, in Parquet."""

_NAME = re.compile(r"file:([^/\\:]+\.(?:parquet|csv)):([0-9a-f]{16})")

_held: dict[str, DatasetFile] = {}
"""Name -> file, for the files that this process has read or received."""


@dataclass(frozen=True)
class DatasetFile:
    """A file with points.

    Attributes:
        name: value of `Experiment.dataset`, `file:NAME:DIGEST`. DIGEST is the first 16 hexadecimal
            digits of the SHA-256 of the bytes.
        content: bytes of the file.
    """

    name: str
    content: bytes

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; a ValueError if it has another suffix or cannot be read."""
        if path.suffix not in (".parquet", ".csv"):
            raise ValueError(
                f"{path} ends in {path.suffix or 'nothing'}; allowed: .parquet or .csv"
            )
        try:
            if path.exists() and not path.is_file():
                raise ValueError(f"{path} is not a regular file")
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        name = f"{PREFIX}{path.name}:{_digest(content)}"
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{path}: the name of the file must not contain a colon")
        return cls(name, content)

    @cached_property
    def table(self) -> PointTable:
        """The points and labels; a ValueError if they are not a table of numbers with a label."""
        return _point_table(self.name, self.content)


@dataclass(frozen=True, eq=False)
class PointTable:
    """Points and labels of a file as they are there.

    Attributes:
        points: float64 [N, features].
        labels: float64 [N].
        test: bool [N], True for a point of the test split.
        feature_names: name of each feature.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.float64]
    test: NDArray[np.bool_]
    feature_names: tuple[str, ...]


def is_file_dataset(name: str) -> bool:
    """Return whether a data set is in a file, by its name in experiments."""
    return _NAME.fullmatch(name) is not None


def hold(files: Iterable[DatasetFile]) -> None:
    """Keep files for `held_file` in this process."""
    _held.update((file.name, file) for file in files)


def file_at(path: Path) -> DatasetFile:
    """Read a file, keep it in this process, and copy it into the cache folder."""
    file = DatasetFile.read(path)
    if file.name not in _held:
        hold([file])
        _cache(file)
    return file


def held_file(name: str) -> DatasetFile:
    """Return the file of a data set: held by this process, in the cache folder, or here.

    The name is `file:NAME:DIGEST`, or `file:PATH` for a file that is read now. A ValueError if no
    file has these bytes.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return file_at(Path(name.removeprefix(PREFIX)))
    if name not in _held:
        file_name, digest = match.groups()
        here = Path(file_name)
        found = [content for path in (_cached(name), here) if (content := _content(path))]
        matching = [content for content in found if _digest(content) == digest]
        if matching:
            hold([DatasetFile(name, matching[0])])
        else:
            changed = (
                f"the {file_name} here has other bytes"
                if os.path.isfile(here)  # False, not an OSError, for a name that is too long
                else "it is not here"
            )
            raise ValueError(
                f"data set {name!r} needs the file {file_name} whose SHA-256 starts with {digest}, "
                f"and {changed} ({Path.cwd()}): copy that file into the current folder"
            )
    return _held[name]


def _content(path: Path) -> bytes:
    """Return the bytes of a file; none if it cannot be read."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _cached(name: str) -> Path:
    """Return the path of a file's copy in the cache folder."""
    return cache_folder() / "datasets" / name.removeprefix(PREFIX).replace(":", "-")


def _cache(file: DatasetFile) -> None:
    path = _cached(file.name)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(file.content)
        unfinished.replace(path)
    except OSError as error:
        # Only later commands in other folders need the copy, and they report that it is missing.
        logger.warning("%s is not copied into the cache folder: %s", file.name, error)


def _point_table(name: str, content: bytes) -> PointTable:
    import numpy as np
    import pyarrow as pa

    try:
        table = _read_table(name, content)
    except pa.ArrowException as error:
        raise ValueError(f"data set {name!r} cannot be read: {error}") from error
    repeated = [column for column, times in Counter(table.column_names).items() if times > 1]
    if repeated:
        raise ValueError(
            f"data set {name!r} has several columns named {repeated[0]!r}; rename all but one"
        )
    # In a sorted table the row numbers that pandas writes by default would give the labels away.
    indices = [column for column in table.column_names if _ROW_NUMBERS.fullmatch(column)]
    if indices:
        raise ValueError(
            f"data set {name!r} has the column {indices[0]!r}, which looks like the row numbers of "
            "pandas; write it with index=False, or give the column a name"
        )
    features = [column for column in table.column_names if column not in (LABEL, SPLIT)]
    if LABEL not in table.column_names or not features or not len(table):
        raise ValueError(
            f"data set {name!r} has {len(table)} rows and the columns "
            f"{', '.join(table.column_names) or 'none'}; expected rows, a column {LABEL!r} and one "
            "column or more for features"
        )
    points = np.stack([_numbers(name, table, column) for column in features], axis=1)
    test = np.zeros(len(table), np.bool_)
    if SPLIT in table.column_names:
        splits = table.column(SPLIT).to_pylist()
        wrong = set(splits) - {"train", "test"}
        if wrong:
            raise ValueError(
                f"data set {name!r} has the value {min(map(repr, wrong))} in the column {SPLIT!r}; "
                "allowed: 'train' and 'test'"
            )
        test = np.array(splits) == "test"
        if test.all():
            raise ValueError(
                f"data set {name!r} has no point to train on: all are in the test split"
            )
    return PointTable(points, _numbers(name, table, LABEL), test, tuple(features))


def _read_table(name: str, content: bytes) -> pa.Table:
    if ".csv:" in name:
        import pyarrow.csv

        return pyarrow.csv.read_csv(io.BytesIO(content))
    import pyarrow.parquet

    # `read_table` would start threads, and a process that ends right after it may abort.
    stored = pyarrow.parquet.ParquetFile(io.BytesIO(content), pre_buffer=False)
    return stored.read(use_threads=False)


def _numbers(name: str, table: pa.Table, column: str) -> NDArray[np.float64]:
    """Return a column as float64 [N]; NaN where it has no value."""
    import numpy as np
    import pyarrow as pa

    values = table.column(column)
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise ValueError(f"data set {name!r}: the column {column!r} has {kind}, not numbers")
    if values.null_count:
        row = values.is_null().to_pylist().index(True)
        raise ValueError(f"data set {name!r}: the column {column!r} has no value in row {row}")
    numbers: NDArray[np.float64] = values.cast(pa.float64(), safe=False).to_numpy()
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(
            f"data set {name!r}: the column {column!r} has {numbers[row]} in row {row}"
        )
    return numbers
