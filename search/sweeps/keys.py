"""The keys of sweep files with their types and allowed values, and the pydantic model of a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
)
from pydantic_core import PydanticCustomError

from search.dataset_files import is_file_dataset
from search.datasets import dataset_names
from search.experiment import FRESH_INIT, SCHEDULES, InitScheme
from search.lineage import ROW_INIT_FORMAT, RowInit
from search.masks.text import parse_mask
from search.methods import all_methods
from search.settings import Setting, Value
from search.structure import MAX_DEPTH, STRUCTURE_FORMAT, Structure

STORED_INITS = ("bench-95", "bench-995")
"""Names of the stored initialisations."""

MAX_INT32 = 2**31 - 1
"""Maximum of whole numbers: results have 32-bit integers."""

MAX_TABLES = 1000
"""Maximum number of [[grid]] tables in a file: each is compared with every other."""

MAX_VALUES = 100_000
"""Maximum length of a key's list: lists are held in memory, their combinations are not."""


@dataclass(frozen=True)
class Key:
    """A key of a sweep file.

    Attributes:
        type: type of one value, for pydantic.
        allowed: description of the allowed values.
        names: the allowed names, if its values are names.
        other_names: name in the paper's lists -> name.
    """

    type: Any
    allowed: str
    names: tuple[str, ...] = ()
    other_names: Mapping[str, str] = field(default_factory=dict)


def _whole(most: int) -> Key:
    return Key(Annotated[int, Field(ge=1, le=most)], f"a whole number from 1 to {most}")


WHOLE = _whole(MAX_INT32)

FILE_KEYS = {
    "name": Key(
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\z")],
        "1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit",
    ),
    "replicates": WHOLE,
    "pair": Key(bool, "true or false"),
    "base": Key(dict, "a table [base] with one value for each key"),
    "grid": Key(list, "a table [grid] or several [[grid]], with a list for each key"),
}
"""Keys outside of all tables; each method with hyperparameters can have a table too."""


def table_keys() -> dict[str, Key]:
    """Return the keys of [base] and [grid]."""
    methods = all_methods()
    other_names = {m.other_name: name for name, m in methods.items() if m.other_name}
    mask = _text(
        parse_mask,
        "rows of 0 and 1 of equal length such as '10|01|11'; rows are outputs, columns inputs",
    )
    return {
        "method": _one_of(methods, other_names=other_names),
        "dataset": _one_of(
            dataset_names(), is_file_dataset, ", or 'file:PATH' for a .parquet or .csv file"
        ),
        "structure": _text(Structure.parse, STRUCTURE_FORMAT),
        "masks": _one_of(("dense", "all", "distinct")),
        **{f"mask{layer}": mask for layer in range(1, MAX_DEPTH + 2)},
        "depth": _whole(MAX_DEPTH),
        "width": WHOLE,
        "target_nnz": WHOLE,
        "target_accuracy": _number("a number above 0, up to 1", gt=0, le=1),
        "lr": _number("a number above 0", gt=0),
        "schedule": _one_of(SCHEDULES),
        "momentum": _number("a number from 0 to below 1", ge=0, lt=1),
        "weight_decay": _number("a number from 0", ge=0),
        "batch_size": WHOLE,
        "epochs": WHOLE,
        "init": _one_of((FRESH_INIT, *STORED_INITS), RowInit.parse, f", {ROW_INIT_FORMAT}"),
        "init_scheme": _one_of(get_args(InitScheme)),
    }


def method_keys() -> dict[str, dict[str, Key]]:
    """Return the keys of each method's table of hyperparameters, by method; perhaps none."""
    return {
        name: {key: _setting_key(setting) for key, setting in method.settings.items()}
        for name, method in all_methods().items()
    }


def is_mask_key(key: str) -> bool:
    """Return whether a key is mask1, mask2 and so on."""
    return re.fullmatch(r"mask[1-9][0-9]*", key) is not None


def _setting_key(setting: Setting) -> Key:
    def canonical(value: Any) -> Value:
        if not setting.allows(value):
            raise ValueError(f"not allowed: {value!r}")
        return setting.canonical(value)

    return Key(Annotated[Any, AfterValidator(canonical)], setting.allowed)


def _number(allowed: str, **bounds: Any) -> Key:
    # -0.0 becomes 0.0, because both are the same experiment.
    unsigned_zero = AfterValidator(lambda value: value + 0.0)
    return Key(Annotated[float, Field(allow_inf_nan=False, **bounds), unsigned_zero], allowed)


def _text(parse: Callable[[str], object], allowed: str) -> Key:
    """Return a key whose values are texts that a function parses or refuses with a ValueError."""

    def parsed(text: str) -> str:
        parse(text)
        return text

    return Key(Annotated[str, AfterValidator(parsed)], allowed)


def _one_of(
    names: Collection[str],
    also: Callable[[str], object] = lambda name: False,
    others: str = "",
    other_names: Mapping[str, str] | None = None,
) -> Key:
    """Return a key whose values are names, or texts for which `also` is true, the `others`."""

    def known(name: str) -> str:
        if name not in names and not also(name):
            raise ValueError(f"unknown name {name!r}")
        return name

    allowed = ", ".join(map(repr, names)) + others
    return Key(Annotated[str, AfterValidator(known)], allowed, tuple(names), other_names or {})


def file_model(
    keys: Mapping[str, Key], methods: Mapping[str, Mapping[str, Key]]
) -> type[BaseModel]:
    """Return the model of a file, with `grid` as a list of tables.

    `keys` are those of [base] and [grid], `methods` those of each method's table.
    """
    one = {name: key.type for name, key in keys.items()}
    several = {name: _values_of(key.type) for name, key in keys.items()}
    # The only key that reads naturally without a list, as in masks = "all".
    masks = several["masks"]
    as_list = BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
    several["masks"] = Annotated[masks, as_list]
    hyperparameters = {
        method: _model(**{name: _one_or_several(key.type) for name, key in settings.items()})
        for method, settings in methods.items()
    }
    return _model(
        FILE_KEYS["name"].type,
        replicates=FILE_KEYS["replicates"].type,
        pair=FILE_KEYS["pair"].type,
        base=_model(**one),
        grid=Annotated[_list_of(_model(**several)), Field(min_length=1, max_length=MAX_TABLES)],
        **hyperparameters,
    )


def _model(name: Any = None, **optional: Any) -> type[BaseModel]:
    columns: dict[str, Any] = {key: (kind, None) for key, kind in optional.items()}
    if name is not None:
        columns["name"] = (name, ...)
    config = ConfigDict(extra="forbid", strict=True)
    return create_model("Table", __config__=config, **columns)


def _list_of(kind: Any) -> Any:
    return list[kind]


def _values_of(kind: Any) -> Any:
    """Return the type of a list of different values, at least one."""
    bounds = Field(min_length=1, max_length=MAX_VALUES)
    return Annotated[_list_of(kind), bounds, AfterValidator(_all_different)]


def _one_or_several(kind: Any) -> Any:
    """Return the type of one value or a list of them."""
    several: Any = Annotated[_values_of(kind), Tag("list")]
    one: Any = Annotated[kind, Tag("value")]
    discriminator = Discriminator(lambda value: "list" if isinstance(value, list) else "value")
    return Annotated[several | one, discriminator]


def _all_different(values: list[Hashable]) -> list[Hashable]:
    seen: set[Hashable] = set()
    for value in values:
        if value in seen:
            raise PydanticCustomError("repeated", "twice in the list", {"value": value})
        seen.add(value)
    return values
