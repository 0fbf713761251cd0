"""Base class and field types of the models of the log: strict, bounded, immutable."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Int32 = Annotated[int, Field(ge=0, le=2**31 - 1)]
RowCount = Annotated[int, Field(ge=0, le=2**24)]
"""Number of rows in one data file. The limit bounds the memory that reading a file can take."""

Amount = Annotated[float, Field(ge=0, le=1e15)]
"""A quantity that is not a count, such as seconds. The limit keeps sums finite."""


class Strict(BaseModel):
    """A model that converts nothing, accepts no unknown field, and cannot be changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
