"""Initialisations that are stored under a name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from search.layers import Layers, StoredInit
from storage.errors import RowsRefused
from storage.log.init_entries import FoundNetwork, InitLayer, InitStored


@dataclass(frozen=True, eq=False)
class FrozenInit(StoredInit):
    """An initialisation that is stored under its name.

    Attributes:
        found: the best network that was trained from it; None if the user provided it.
    """

    found: FoundNetwork | None = None

    @classmethod
    def from_entry(cls, entry: InitStored) -> FrozenInit:
        """Return the initialisation of a log entry."""
        layers = tuple(
            (np.array(layer.weight, np.float32), np.array(layer.bias, np.float32))
            for layer in entry.layers
        )
        return cls(entry.name, entry.digest, layers, entry.found)


def init_entry(
    name: str, digest: str, layers: Layers, found: FoundNetwork | None = None
) -> InitStored:
    """Return the log entry of an initialisation.

    JSON holds each float32 exactly, as the shortest decimal of the float64 of the same value.

    Raises:
        RowsRefused: the shapes of the layers do not match, or a value is not finite.
    """
    for weight, bias in layers:
        if weight.dtype != np.float32 or bias.dtype != np.float32:
            raise RowsRefused(
                f"The initialisation {name} has {weight.dtype} and {bias.dtype}, not float32."
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
