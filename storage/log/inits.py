"""Initialisations that are frozen in a store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from search.layers import Layers, StoredInit
from storage.errors import RowsRefused
from storage.log.init_entries import FoundNetwork, InitLayer, InitStored


@dataclass(frozen=True, eq=False)
class FrozenInit(StoredInit):
    """A stored initialisation of a store.

    Attributes:
        found: trained network because of which it was chosen; None if it came from a file.
    """

    found: FoundNetwork | None = None

    @classmethod
    def from_entry(cls, entry: InitStored) -> FrozenInit:
        """The arrays of a log entry."""
        layers = tuple(
            (np.array(layer.weight, np.float32), np.array(layer.bias, np.float32))
            for layer in entry.layers
        )
        return cls(entry.name, entry.digest, layers, entry.found)


def init_entry(
    name: str, digest: str, layers: Layers, found: FoundNetwork | None = None
) -> InitStored:
    """The log entry of an initialisation.

    JSON holds each float32 exactly: as the shortest decimal of the float64 of the same value.

    Raises:
        RowsRefused: the arrays are not layers that fit each other, or a value is not finite.
    """
    for weight, bias in layers:
        if weight.dtype != np.float32 or bias.dtype != np.float32:
            raise RowsRefused(
                f"The initialisation {name} is of {weight.dtype} and {bias.dtype}, not float32."
            )
    try:
        return InitStored(
            name=name,
            digest=digest,
            layers=[InitLayer(weight=w.tolist(), bias=b.tolist()) for w, b in layers],
            found=found,
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise RowsRefused(f"Not an initialisation: {name}: {problem}.") from error
