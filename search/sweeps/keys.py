"""The keys of a user's sweep file: what each may be, as a type and in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from search.experiment import FRESH_INIT
from search.masks.text import parse_mask
from search.settings import MethodRules, Setting

STORED_INITS = ("bench-95", "bench-995")
"""Names of the stored initialisations that a training can start from."""

MAX_DEPTH = 64
"""Hidden layers of the deepest structure."""

STRUCTURE = f"the neurons of 1 to {MAX_DEPTH} hidden layers such as '7x3x3'"
"""What a structure may be, in words."""

_MAX_INT32 = 2**31 - 1
"""Results hold whole numbers with 32 bits."""


@dataclass(frozen=True)
class Key:
    """A key of a sweep file.

    Attributes:
        type: of one value, for pydantic.
        allowed: the same in words.
        names: those that it may have, where it is a name.
        other_names: what others call these -> name.
    """

    type: Any
    allowed: str
    names: tuple[str, ...] = ()
    other_names: Mapping[str, str] = field(default_factory=dict)


_WHOLE = Key(Annotated[int, Field(ge=1, le=_MAX_INT32)], f"a whole number from 1 to {_MAX_INT32}")

_UNSIGNED_ZERO = AfterValidator(lambda value: value + 0.0)
"""-0.0 becomes 0.0: they are the same experiment."""

FILE_KEYS = {
    "name": Key(
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\z")],
        "1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit",
    ),
    "replicates": _WHOLE,
    "base": Key(dict, "a table [base] with one value a key"),
    "grid": Key(list, "a table [grid] or several [[grid]], with a list a key"),
}
"""Keys outside of all tables; each method may have a table of its own too."""


def table_keys(
    methods: Collection[str],
    datasets: Collection[str],
    schedules: Collection[str],
    other_names: Mapping[str, str] | None = None,
) -> dict[str, Key]:
    """Keys of [base] and [grid], for the methods, data sets and schedules that exist.

    Args:
        methods: their names.
        datasets: their names.
        schedules: their names.
        other_names: what others call a method -> its name.
    """
    mask = Key(
        Annotated[str, AfterValidator(_mask)],
        "rows of 0 and 1 of equal length such as '10|01|11', a row an output, a column an input",
    )
    return {
        "method": _one_of(methods, other_names),
        "dataset": _one_of(datasets),
        "structure": Key(Annotated[str, AfterValidator(check_structure)], STRUCTURE),
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
        "schedule": _one_of(schedules),
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


def method_keys(methods: Mapping[str, MethodRules]) -> dict[str, dict[str, Key]]:
    """Keys of the tables of hyperparameters, by method; a method without any has no keys."""
    return {
        method: {name: _setting_key(setting) for name, setting in rules.settings.items()}
        for method, rules in methods.items()
    }


def is_mask_key(key: str) -> bool:
    """Whether a key is mask1, mask2 and so on."""
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


def check_structure(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: it is no structure.
    """
    layers = text.split("x")
    if len(layers) > MAX_DEPTH or not all(re.fullmatch("[1-9][0-9]{0,8}", n) for n in layers):
        raise ValueError(f"not a structure: {text!r}")
    return text


def _mask(text: str) -> str:
    parse_mask(text)
    return text
