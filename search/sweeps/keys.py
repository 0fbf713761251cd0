"""The keys of sweep files with their types and allowed values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from search.datasets import dataset_names
from search.experiment import FRESH_INIT, SCHEDULES
from search.masks.text import parse_mask
from search.methods import all_methods
from search.settings import Setting
from search.structure import MAX_DEPTH, STRUCTURE_FORMAT, Structure

STORED_INITS = ("bench-95", "bench-995")
"""Names of the stored initialisations."""

_MAX_INT32 = 2**31 - 1
"""Maximum of whole numbers: results have 32-bit integers."""


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


_WHOLE = Key(Annotated[int, Field(ge=1, le=_MAX_INT32)], f"a whole number from 1 to {_MAX_INT32}")

_UNSIGNED_ZERO = AfterValidator(lambda value: value + 0.0)
"""-0.0 becomes 0.0, because both are the same experiment."""

FILE_KEYS = {
    "name": Key(
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\z")],
        "1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit",
    ),
    "replicates": _WHOLE,
    "base": Key(dict, "a table [base] with one value for each key"),
    "grid": Key(list, "a table [grid] or several [[grid]], with a list for each key"),
}
"""Keys outside of all tables; each method with hyperparameters can have a table too."""


def table_keys() -> dict[str, Key]:
    """Return the keys of [base] and [grid]."""
    methods = all_methods()
    other_names = {m.other_name: name for name, m in methods.items() if m.other_name}
    mask = Key(
        Annotated[str, AfterValidator(_mask)],
        "rows of 0 and 1 of equal length such as '10|01|11'; rows are outputs, columns inputs",
    )
    return {
        "method": _one_of(methods, other_names),
        "dataset": _one_of(dataset_names()),
        "structure": Key(Annotated[str, AfterValidator(_structure)], STRUCTURE_FORMAT),
        "masks": Key(
            Literal["dense", "all", "distinct"],
            "'dense', 'all' or 'distinct'",
            ("dense", "all", "distinct"),
        ),
        **{f"mask{layer}": mask for layer in range(1, MAX_DEPTH + 1)},
        "width": _WHOLE,
        "target_nnz": _WHOLE,
        "lr": Key(
            Annotated[float, Field(gt=0, allow_inf_nan=False)],
            "a number above 0",
        ),
        "schedule": _one_of(SCHEDULES),
        "momentum": Key(
            Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), _UNSIGNED_ZERO],
            "a number from 0 to below 1",
        ),
        "weight_decay": Key(
            Annotated[float, Field(ge=0, allow_inf_nan=False), _UNSIGNED_ZERO],
            "a number from 0",
        ),
        "batch_size": _WHOLE,
        "epochs": _WHOLE,
        "init": _one_of((FRESH_INIT, *STORED_INITS)),
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
    def canonical(value: Any) -> int | float:
        if not setting.allows(value):
            raise ValueError(f"not allowed: {value!r}")
        return setting.canonical(value)

    return Key(Annotated[Any, AfterValidator(canonical)], setting.allowed)


def _one_of(names: Collection[str], other_names: Mapping[str, str] | None = None) -> Key:
    def known(name: str) -> str:
        if name not in names:
            raise ValueError(f"unknown name {name!r}")
        return name

    allowed = ", ".join(map(repr, names))
    return Key(Annotated[str, AfterValidator(known)], allowed, tuple(names), other_names or {})


def _structure(text: str) -> str:
    Structure.parse(text)
    return text


def _mask(text: str) -> str:
    parse_mask(text)
    return text
