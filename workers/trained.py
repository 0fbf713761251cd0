"""What every trainer returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workers.initial import Layers


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and its measurements.

    Attributes:
        layers: (weight float32 [n_out, n_in], bias float32 [n_out]) a layer, masked entries zero.
        accuracy: share of all points that are classified correctly.
        loss: mean binary cross-entropy over all points, in nats; NaN or infinite where the
            training diverged.
        train_ms: this network's share of the time that its batch took, in milliseconds; 0 where
            nobody measured it.
    """

    layers: Layers
    accuracy: float
    loss: float
    train_ms: float = 0.0

    @property
    def diverged(self) -> bool:
        """Whether the loss or any parameter is infinite or NaN."""
        parameters = (array for layer in self.layers for array in layer)
        return not (math.isfinite(self.loss) and all(np.isfinite(a).all() for a in parameters))
