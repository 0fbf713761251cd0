"""The keys of a sweep file outside of its tables, and the description of a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

MAX_INT32 = 2**31 - 1
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


WHOLE = Key(Annotated[int, Field(ge=1, le=MAX_INT32)], f"a whole number from 1 to {MAX_INT32}")

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
