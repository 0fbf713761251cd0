"""Sweep files: TOML files that describe a study.

    name = "my-sweep"
    replicates = 8                   # independent repetitions of everything, default 1
    pair = true                      # the same random numbers for all methods, default false
    [base]                           # one value for each key; the paper's values are the defaults
    lr = 0.05
    [grid]                           # every combination of lists; [[grid]] for several tables
    structure = ["7x3x3", "6x3x2"]   # masks = "all", "distinct", or mask1 = ["10|01|11", ...]
    [rigl]                           # hyperparameters of a method, one value or a list for each
    interval = [50, 100]

The order of the experiments does not depend on the order in the file: replicates vary slowest, so
that more of them are appended; then the [[grid]] tables; in a table the keys of
`search.sweeps.grid.ORDER`, each with its values as listed. The hyperparameters of a method vary
directly after the method, in the order of its settings.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from search.catalogue import RESERVED_NAMES
from search.dataset_files import PREFIX, file_at, is_file_dataset
from search.datasets import dataset_named
from search.experiment import OPTIONAL_FIELDS, Experiment
from search.grid import Chain, Grid, Product, Replicates
from search.study import Study
from search.sweeps.grid import ORDER, table_grid
from search.sweeps.hyperparameters import check_used, every_combination
from search.sweeps.keys import file_model, method_keys, table_keys
from search.sweeps.problems import describe, table_name
from search.sweeps.rules import RefusalError

MAX_FILE_BYTES = 1 << 20

_TOO_DEEP = "not a sweep file: nested too deeply"

_DOTTED = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){20}""")
"""A key of more than 20 parts, for which tomllib's time is quadratic."""

_MAX_PROBLEMS = 10
"""Maximum number of problems in a message."""

_FIELDS = (*(key for key in ORDER if key != "depth"), "hyperparameters")

_MAX_COMPARED = 1_000_000
"""Maximum number of combinations that are compared."""


class SweepFileError(ValueError):
    """A sweep file that is not valid: where, what is wrong, and what is allowed."""


def load_sweep(path: Path) -> Study:
    """Return the study that a sweep file describes.

    Returns:
        A study with `file_sha256` and with `left_out`, the number of combinations omitted because
        their target_nnz is not below the number of weights.

    Raises:
        SweepFileError: the file cannot be read or is not valid.
    """
    with _refused(path):
        content = _read(path)
    return parse_sweep(content, path)


def parse_sweep(content: bytes, path: Path) -> Study:
    """Return the study that the content of a sweep file describes; see `load_sweep`.

    The path is the name of the file in messages and in the study's description.
    """
    with _refused(path):
        return _study(_parse(content), path, content)


def study_from(document: Mapping[str, Any]) -> Study:
    """Return the study that a sweep file with these keys and values would describe.

    Tables are mappings, lists are any iterables, such as tuples, ranges and arrays. A
    `SweepFileError` if it is not valid.
    """
    plain = _plain(document)
    with _refused("the sweep"):
        content = json.dumps(plain, sort_keys=True, default=str).encode()
        return _study(plain, Path("in Python"), content)


@contextmanager
def _refused(name: object) -> Iterator[None]:
    """Raise a `SweepFileError` with the name of the file for a refusal in the body."""
    try:
        yield
    except RecursionError:
        raise SweepFileError(f"{name}: {_TOO_DEEP}") from None
    except RefusalError as refusal:
        raise SweepFileError("\n".join(f"{name}: {text}" for text in refusal.args)) from None


def _plain(value: Any) -> Any:
    """Return a value as a TOML file would give it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inside) for key, inside in value.items()}
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy
        return value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(inside) for inside in value]
    return value


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise RefusalError("not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RefusalError(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise RefusalError(f"larger than the {MAX_FILE_BYTES} bytes allowed for a sweep file")
    return content


def _parse(content: bytes) -> dict[str, Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RefusalError(f"not UTF-8 text: byte {error.start}") from None
    if _DOTTED.search(text):
        raise RefusalError(_TOO_DEEP)
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise RefusalError(f"not TOML: {error}") from None


def _study(document: dict[str, Any], path: Path, content: bytes) -> Study:
    in_tables, of_methods = table_keys(), method_keys()
    grid = document.get("grid", {})
    single = isinstance(grid, dict)
    if single:
        document = {**document, "grid": [grid]}
    document = _with_named_files(document, single, path.parent)
    try:
        model = file_model(in_tables, of_methods)
        sweep = model.model_validate(document).model_dump(exclude_unset=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [
            describe(detail, in_tables, of_methods, single) for detail in details[:_MAX_PROBLEMS]
        ]
        raise RefusalError(*problems) from None
    if sweep["name"] in RESERVED_NAMES:
        raise RefusalError(f"name {sweep['name']!r} is reserved; give the sweep another name")
    replicates = sweep.get("replicates", 1)
    base = sweep.get("base", {})
    method_tables = {name: sweep[name] for name in of_methods if name in sweep}
    check_used(method_tables, _methods(base, sweep["grid"]))
    hyperparameters = every_combination(method_tables)
    tables = [
        table_grid(base, table, table_name(number, single), hyperparameters)
        for number, table in enumerate(sweep["grid"])
    ]
    left_out = replicates * sum(omitted for _, omitted in tables)
    grids = tuple(grid for grid, _ in tables)
    repeated = _find_repeated(grids)
    if repeated is not None:
        raise RefusalError(repeated)
    experiments = Product.of(Replicates(replicates), Chain(grids))
    if experiments.size == 0:
        raise RefusalError(
            f"none of {left_out} combinations is possible: target_nnz is never below the number of "
            "weights; allowed: a lower target_nnz or a greater width"
        )
    try:
        return Study(
            name=sweep["name"],
            description=f"sweep file {path.name}",
            grid=experiments,
            base=Experiment(pair=sweep.get("pair", False)),
            left_out=left_out,
            file_sha256=hashlib.sha256(content).hexdigest(),
        )
    except ValueError as error:
        raise RefusalError(str(error)) from None


def _with_named_files(document: dict[str, Any], single: bool, folder: Path) -> dict[str, Any]:
    """Return the document with `file:PATH` replaced by the name of the data set in experiments."""

    def named(table: Any, where: str) -> Any:
        if not isinstance(table, dict) or "dataset" not in table:
            return table
        given = table["dataset"]
        try:
            if isinstance(given, list):
                return table | {"dataset": [name_of(value) for value in given]}
            return table | {"dataset": name_of(given)}
        except ValueError as error:
            raise RefusalError(f"{where}: dataset: {error}") from None

    def name_of(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith(PREFIX) or is_file_dataset(value):
            return value
        file = file_at(folder / value.removeprefix(PREFIX))
        return dataset_named(file.name).name

    grids = document["grid"]
    if isinstance(grids, list):
        grids = [named(table, table_name(n, single)) for n, table in enumerate(grids)]
    replaced = {"base": named(document["base"], "[base]")} if "base" in document else {}
    return document | replaced | {"grid": grids}


def _methods(base: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the methods of a file, each once."""
    default = [base.get("method", Experiment().method)]
    return list(dict.fromkeys(name for table in tables for name in table.get("method", default)))


def _find_repeated(tables: Sequence[Grid]) -> str | None:
    """Return a message about an experiment that is in two tables; None if there is none.

    Tables without a common value of some key have no common experiment. If the other tables have
    more than a million combinations, they are not compared.
    """
    values = [
        {key: grid.values(key) or frozenset({None}) for key in _FIELDS if key != "masks"}
        for grid in tables
    ]
    suspects = {
        number
        for one, other in combinations(range(len(tables)), 2)
        if not any(values[one][key].isdisjoint(values[other][key]) for key in values[one])
        for number in (one, other)
    }
    if sum(tables[number].size for number in suspects) > _MAX_COMPARED:
        return None
    # Hashes, because the specifications of a million experiments take half a gigabyte.
    first_positions: dict[int, tuple[int, int]] = {}
    for number in sorted(suspects):
        for index in range(tables[number].size):
            spec = _spec(tables[number][index])
            first, position = first_positions.setdefault(hash(spec), (number, index))
            if first != number and _spec(tables[first][position]) == spec:
                shown = ", ".join(
                    f"{key} = {value!r}"
                    for key, value in zip(_FIELDS, spec, strict=True)
                    if value or key not in OPTIONAL_FIELDS
                )
                return (
                    f"[[grid]] table {first + 1}, combination {position + 1}, and table "
                    f"{number + 1}, combination {index + 1}, are the same experiment: {shown}"
                )
    return None


def _spec(combination: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(combination.get(key) for key in _FIELDS)
