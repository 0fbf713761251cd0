"""A user's own sweep: a TOML file read into a study.

    name = "my-sweep"
    replicates = 8                   # independent repetitions of everything, default 1
    [base]                           # one value each; what is left out has the paper's value
    lr = 0.05
    [grid]                           # lists, every combination; [[grid]] several times for several
    structure = ["7x3x3", "6x3x2"]   # masks = "all", "distinct", or mask1 = ["10|01|11", ...]

The experiments come in this order, whatever the order in the file: replicates slowest, so that
more of them are added at the end; then the [[grid]] tables; inside a table the keys of
`search.sweep_grid.ORDER`, each key's values as they are listed.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from search.catalogue import RESERVED_NAMES
from search.grid import Chain, Product, Replicates
from search.paper_grids import INPUTS, SCHEDULES
from search.study import Study
from search.sweep_grid import find_repeated, table_grid
from search.sweep_keys import FILE_KEYS, Key, file_model, is_mask_key, table_keys
from search.sweep_rules import Facts, RefusalError

MAX_FILE_BYTES = 1 << 20

_MAX_PROBLEMS = 10
"""Problems of a file that are shown at once."""


class SweepFileError(ValueError):
    """A sweep file that is not accepted: says where, what is wrong, and what is allowed."""


def load_sweep(
    path: Path,
    methods: Mapping[str, frozenset[str]],
    datasets: Collection[str],
    schedules: Collection[str] = SCHEDULES,
    points: Mapping[str, int] | None = None,
    inputs: Mapping[str, int] | None = None,
) -> Study:
    """The study that a sweep file describes.

    Args:
        path: the file.
        methods: for each method that exists, the keys that it uses beyond the common ones, of
            "structure", "masks" (which stands for mask1, mask2 and so on too) and "target_nnz".
        datasets: data sets that exist.
        schedules: learning rate schedules that exist.
        points: points of each data set, the limit of batch_size; no limit where it is not known.
        inputs: features of each data set; those of the Cubist Spiral where it is not known.

    Returns:
        A study with `file_sha256` and with `left_out`, the number of experiments left out because
        their target_nnz is not below the number of weights.

    Raises:
        SweepFileError: the file cannot be read or is not accepted.
    """
    try:
        content = _read(path)
    except RefusalError as refusal:
        raise SweepFileError(f"{path}: {refusal}") from None
    return parse_sweep(content, path, methods, datasets, schedules, points, inputs)


def parse_sweep(
    content: bytes,
    path: Path,
    methods: Mapping[str, frozenset[str]],
    datasets: Collection[str],
    schedules: Collection[str] = SCHEDULES,
    points: Mapping[str, int] | None = None,
    inputs: Mapping[str, int] | None = None,
) -> Study:
    """The study that the content of a sweep file describes.

    Args:
        content: UTF-8 text.
        path: what messages and the study's description call the file.
        methods: as for `load_sweep`, like all that follow.
        datasets: data sets that exist.
        schedules: learning rate schedules that exist.
        points: points of each data set.
        inputs: features of each data set.

    Raises:
        SweepFileError: it is not accepted.
    """
    try:
        document = _parse(content)
        facts = Facts(methods, points or {}, inputs or {}, INPUTS)
        return _study(document, table_keys(methods, datasets, schedules), facts, path, content)
    except RefusalError as refusal:
        raise SweepFileError("\n".join(f"{path}: {text}" for text in refusal.args)) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RefusalError(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise RefusalError(f"larger than the {MAX_FILE_BYTES} bytes allowed for a sweep file")
    return content


def _parse(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise RefusalError(f"not UTF-8 text: byte {error.start}") from None
    except RecursionError:
        raise RefusalError("not a sweep file: nested too deeply") from None
    except ValueError as error:
        raise RefusalError(f"not TOML: {error}") from None


def _study(
    document: dict[str, Any], keys: dict[str, Key], facts: Facts, path: Path, content: bytes
) -> Study:
    grid = document.get("grid", {})
    single = isinstance(grid, dict)
    if single:
        document = {**document, "grid": [grid]}
    try:
        sweep = file_model(keys).model_validate(document).model_dump(exclude_unset=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [_problem(detail, keys, single) for detail in details[:_MAX_PROBLEMS]]
        raise RefusalError(*problems) from None
    if sweep["name"] in RESERVED_NAMES:
        raise RefusalError(
            f"name {sweep['name']!r} is the project's own; give the sweep another one"
        )
    replicates = sweep.get("replicates", 1)
    base = sweep.get("base", {})
    tables = [
        table_grid(base, table, _table_name(number, single), facts)
        for number, table in enumerate(sweep["grid"])
    ]
    left_out = replicates * sum(left for _, left in tables)
    combinations = tuple(combined for combined, _ in tables)
    repeated = find_repeated(combinations)
    if repeated is not None:
        raise RefusalError(repeated)
    experiments = Product((Replicates(replicates), Chain(combinations)))
    if experiments.size == 0:
        raise RefusalError(
            f"no experiment is left of {left_out}: target_nnz is nowhere below the number of "
            "weights; allowed: a lower target_nnz or a greater width"
        )
    try:
        return Study(
            name=sweep["name"],
            description=f"sweep file {path.name}",
            grid=experiments,
            left_out=left_out,
            file_sha256=hashlib.sha256(content).hexdigest(),
        )
    except ValueError as error:
        raise RefusalError(str(error)) from None


def _table_name(number: int, single: bool) -> str:
    return "[grid]" if single else f"[[grid]] table {number + 1}"


def _problem(detail: ErrorDetails, keys: dict[str, Key], single: bool) -> str:
    """One of pydantic's complaints in the user's terms: where, what, and what is allowed."""
    kind, value = detail["type"], _shown(detail["input"])
    section, *inside = detail["loc"]
    if section == "grid" and inside:
        where = f"{_table_name(int(inside.pop(0)), single)}: "
    elif section == "base" and inside:
        where = "[base]: "
    else:
        where, inside = "", [section, *inside]
    if not inside:
        return f"{where}must be a table, not {value}"
    name, *items = inside
    key = str(name)
    known = keys if where else FILE_KEYS
    if kind == "extra_forbidden":
        return f"{where}unknown key {key!r}{_advice(key, known)}"
    if kind == "missing":
        return f"{where}{key} is missing; allowed: {FILE_KEYS[key].allowed}"
    if kind == "list_type" and where:
        return f"{where}{key} must be a list in [grid], such as {key} = [...], not {value}"
    if kind == "repeated":
        return f"{where}{key} names {_shown(detail['ctx']['value'])} twice"
    if kind == "too_short":
        return f"{where}{key} is an empty list; allowed: one value or more, or no such key"
    if kind == "too_long":
        most = detail["ctx"]["max_length"]
        return f"{where}{key} has more values than the {most} allowed"
    item = f", value {int(items[0]) + 1} of the list," if items else ""
    return f"{where}{key}{item} cannot be {value}; allowed: {known[key].allowed}"


def _advice(key: str, known: Mapping[str, Key]) -> str:
    listed = [name for name in known if not is_mask_key(name) or name == "mask1"]
    closest = get_close_matches(key, listed, n=1)
    hint = f" (did you mean {closest[0]!r}?)" if closest else ""
    return f"{hint}; allowed: {', '.join(listed).replace('mask1', 'mask1, mask2 and so on')}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
