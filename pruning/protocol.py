"""What a pruning algorithm is given and what it hands back.

When an algorithm acts, seen from training, decides what it must provide (`pruning.registry`). One
that prunes *before* training provides `prune`, a `PrunesBefore`: it sees the initial network and
some batches, settles the masks, and training follows under them. It knows nothing of how that is
done, and draws no random numbers: the batches come shuffled, the weights drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from search.experiment import Experiment

Layers = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""A network, input side first: (weight float32 [n_out, n_in], bias float32 [n_out]) a layer."""

Batch = tuple[torch.Tensor, torch.Tensor]
"""Points float32 [batch, inputs] and labels float32 [batch], 0 or 1."""

Batches = Iterator[Batch]
"""Without end: random, without replacement within a pass over the data set, as training draws."""


@dataclass(frozen=True, eq=False)
class Pruned:
    """What an algorithm keeps.

    Attributes:
        weight_masks: bool [n_out, n_in] a layer, input side first; True where a weight is kept.
        bias_masks: bool [n_out] a layer, likewise.
    """

    weight_masks: list[NDArray[np.bool_]]
    bias_masks: list[NDArray[np.bool_]]


class PrunesBefore(Protocol):
    """The function `prune` of an algorithm that settles its masks before the first step."""

    def __call__(self, experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
        """Chooses the masks that the network is trained under.

        Args:
            experiment: gives `target_nnz` and what the algorithm uses of the training's settings.
            layers: the initial network, not changed.
            batches: drawn one at a time, as many as the algorithm needs.

        Raises:
            ValueError: `target_nnz` is missing, or is not from 1 to below the number of weights.
        """


def target_of(experiment: Experiment, weights: int) -> int:
    """The experiment's `target_nnz`.

    Args:
        experiment: of a pruning algorithm.
        weights: number of weights of its whole network.

    Raises:
        ValueError: it is missing, or is not from 1 to below the number of weights.
    """
    target = experiment.target_nnz
    if target is None or not 1 <= target < weights:
        raise ValueError(
            f"target_nnz {target} cannot be reached by method {experiment.method!r}: allowed are "
            f"1 to {weights - 1}, fewer than the {weights} weights of the network"
        )
    return target
