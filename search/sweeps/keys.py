"""The keys of sweep files with their types and allowed values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field

from search.dataset_files import is_file_dataset
from search.datasets import dataset_names
from search.experiment import FRESH_INIT, SCHEDULES, InitScheme
from search.lineage import ROW_INIT_FORMAT, RowInit
from search.masks.text import parse_mask
from search.methods import all_methods
from search.settings import Setting, Value
from search.structure import MAX_DEPTH, STRUCTURE_FORMAT, Structure
from search.sweeps.file_keys import WHOLE, Key

STORED_INITS = ("bench-95", "bench-995")
"""Names of the stored initialisations."""


_UNSIGNED_ZERO = AfterValidator(lambda value: value + 0.0)
"""-0.0 becomes 0.0, because both are the same experiment."""


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
        "dataset": _dataset(),
        "structure": Key(Annotated[str, AfterValidator(_structure)], STRUCTURE_FORMAT),
        "masks": Key(
            Literal["dense", "all", "distinct"],
            "'dense', 'all' or 'distinct'",
            ("dense", "all", "distinct"),
        ),
        **{f"mask{layer}": mask for layer in range(1, MAX_DEPTH + 2)},
        "depth": Key(
            Annotated[int, Field(ge=1, le=MAX_DEPTH)], f"a whole number from 1 to {MAX_DEPTH}"
        ),
        "width": WHOLE,
        "target_nnz": WHOLE,
        "target_accuracy": Key(
            Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)],
            "a number above 0, up to 1",
        ),
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
        "batch_size": WHOLE,
        "epochs": WHOLE,
        "init": _init(),
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


def _one_of(names: Collection[str], other_names: Mapping[str, str] | None = None) -> Key:
    def known(name: str) -> str:
        if name not in names:
            raise ValueError(f"unknown name {name!r}")
        return name

    allowed = ", ".join(map(repr, names))
    return Key(Annotated[str, AfterValidator(known)], allowed, tuple(names), other_names or {})


def _init() -> Key:
    names = (FRESH_INIT, *STORED_INITS)

    def known(init: str) -> str:
        if init not in names and RowInit.parse(init) is None:
            raise ValueError(f"unknown initialisation {init!r}")
        return init

    allowed = ", ".join(map(repr, names))
    return Key(Annotated[str, AfterValidator(known)], f"{allowed}, {ROW_INIT_FORMAT}", names)


def _dataset() -> Key:
    names = dataset_names()

    def known(name: str) -> str:
        if name not in names and not is_file_dataset(name):
            raise ValueError(f"unknown name {name!r}")
        return name

    allowed = f"{', '.join(map(repr, names))}, or 'file:PATH' for a .parquet or .csv file"
    return Key(Annotated[str, AfterValidator(known)], allowed, tuple(names))


def _structure(text: str) -> str:
    Structure.parse(text)
    return text


def _mask(text: str) -> str:
    parse_mask(text)
    return text
