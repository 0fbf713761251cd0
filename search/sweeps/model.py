"""The pydantic model of a sweep file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Annotated, Any

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

from search.sweeps.keys import FILE_KEYS, Key

MAX_TABLES = 1000
"""Maximum number of [[grid]] tables in a file: each is compared with every other."""

MAX_VALUES = 100_000
"""Maximum length of a key's list: lists are held in memory, their combinations are not."""


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
    several["masks"] = Annotated[masks, BeforeValidator(_as_list)]
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


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value
