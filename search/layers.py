"""The parameters of a network as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(weight float32 [n_out, n_in], bias float32 [n_out])."""

Layers = Sequence[Layer]
"""All layers of a network, input side first."""


def count_kept(masks: Iterable[NDArray[np.bool_]]) -> int:
    """Return the number of entries that masks keep."""
    return sum(int(np.count_nonzero(mask)) for mask in masks)


@dataclass(frozen=True, eq=False)
class StoredInit:
    """An initialisation that is not drawn from the experiment's seed.

    Networks share it (docs/paper.md, section 4, the fixed groups), or it is a parent's network
    (`search.lineage.RowInit`).

    Attributes:
        name: name such as "bench-95"; "row" for a parent's network.
        digest: first 16 hexadecimal digits of the SHA-256 over its numbers as little-endian
            float32, layer by layer, weight (row-major) before bias; of a parent's network
            `RowInit.digest`.
        layers: the full-width network.
    """

    name: str
    digest: str
    layers: Layers

    @property
    def token(self) -> str:
        """Value of `Experiment.init` for a training that starts from it."""
        return f"{self.name}:{self.digest}"
