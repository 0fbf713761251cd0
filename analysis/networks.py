"""Many networks at a time: their logits on new points, and groups with the same structure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from analysis.network import Network, check_fits, dataset_of, points_tensor
from workers.datasets import Dataset, load_dataset

_CHUNK_NUMBERS = 1 << 22
"""Maximum number of activations of a layer that are computed at a time."""

_BLOCK = 256
"""Maximum number of networks whose logits on a data set are kept at a time."""


class Networks(Sequence[Network]):
    """A list of networks that are evaluated together.

    Example:
        >>> import sparsest
        >>> networks = sparsest.train(structure="3x2", epochs=1, seeds=range(3)).networks()
        >>> networks.logits([[0.0, 1.0], [1.0, 0.0]]).shape
        (3, 2)
        >>> networks.accuracies().round(2).shape
        (3,)
        >>> len(networks[:2]), networks[0].sizes
        (2, (2, 3, 2, 1))
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        """Collect networks, which may differ in shape."""
        self._networks = tuple(networks)

    def __len__(self) -> int:
        return len(self._networks)

    @overload
    def __getitem__(self, index: int) -> Network: ...
    @overload
    def __getitem__(self, index: slice) -> Networks: ...
    def __getitem__(self, index: int | slice) -> Network | Networks:
        if isinstance(index, slice):
            return Networks(self._networks[index])
        return self._networks[index]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} networks)"

    def logits(self, points: ArrayLike) -> NDArray[np.float32]:
        """Return the logits of all networks on the same points.

        Args:
            points: [N, inputs], on the scale of the data set's points.

        Returns:
            float32 [networks, N], above 0 for class 1; [networks, N, classes] for more than two
                classes.

        Raises:
            ValueError: there are no networks, they differ in their inputs or outputs, or the points
                have another number of features.
        """
        ends = sorted({(network.sizes[0], network.sizes[-1]) for network in self})
        if len(ends) != 1:
            raise ValueError(
                f"networks with the same inputs and outputs are evaluated together, not {ends}"
            )
        (inputs, outputs) = ends[0]
        tensor = points_tensor(points, inputs)
        found = np.empty((len(self), len(tensor), outputs), np.float32)
        by_shape: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, network in enumerate(self):
            by_shape[network.sizes].append(number)
        for members in by_shape.values():
            found[members] = _logits([self[number] for number in members], tensor)
        return found[:, :, 0] if outputs == 1 else found

    def accuracies(self, dataset: Dataset | None = None) -> NDArray[np.float64]:
        """Return the fraction of a data set's points that each network classifies correctly.

        Args:
            dataset: data set; None for the one that the networks were trained on.

        Returns:
            float64 [networks].

        Raises:
            ValueError: as for `logits`, or no data set is given and the networks do not share
                one.
        """
        if dataset is None:
            names = sorted({dataset_of(network) for network in self})
            if len(names) != 1:
                raise ValueError(
                    f"networks of one data set are measured together, not of {names}: name one "
                    "with dataset="
                )
            dataset = load_dataset(names[0])
        for network in self:
            check_fits(network, dataset)
        correct = []
        # Without networks there is one block, which `logits` refuses.
        for start in range(0, max(1, len(self)), _BLOCK):
            logits = self[start : start + _BLOCK].logits(dataset.points)
            classes = (logits > 0) if logits.ndim == 2 else logits.argmax(axis=2)
            correct.append((classes == dataset.labels).mean(axis=1))
        return np.concatenate(correct)


def group_isomorphic(networks: Iterable[Network]) -> list[Networks]:
    """Group networks that differ only by the names of hidden neurons and by their values.

    Args:
        networks: networks of any shapes.

    Returns:
        The groups of networks with equal `Network.canonical()`, the largest first.

    Raises:
        ValueError: see `Network.canonical`.

    Example:
        >>> import sparsest
        >>> masks = {"mask1": "11|10", "mask2": ["11|10", "11|01", "10|11"]}
        >>> networks = sparsest.train(structure="2x2", epochs=1, **masks).networks()
        >>> [len(group) for group in sparsest.group_isomorphic(networks)]
        [2, 1]
    """
    groups: defaultdict[tuple[str, ...], list[Network]] = defaultdict(list)
    for network in networks:
        groups[network.canonical()].append(network)
    return [Networks(group) for group in sorted(groups.values(), key=len, reverse=True)]


@torch.no_grad()
def _logits(networks: Sequence[Network], points: torch.Tensor) -> NDArray[np.float32]:
    """Return float32 [networks, N, outputs] for networks of one shape."""
    depth, widest = len(networks[0].weights), max(networks[0].sizes)
    weights = [torch.stack([n.weights[layer].float() for n in networks]) for layer in range(depth)]
    biases = [torch.stack([n.biases[layer].float() for n in networks]) for layer in range(depth)]
    found = []
    for chunk in torch.split(points, max(1, _CHUNK_NUMBERS // (len(networks) * widest))):
        activation = chunk.T.expand(len(networks), -1, -1)
        for layer in range(depth):
            activation = torch.baddbmm(biases[layer][:, :, None], weights[layer], activation)
            if layer < depth - 1:
                activation = activation.relu_()
        found.append(activation)
    result: NDArray[np.float32] = torch.cat(found, dim=2).transpose(1, 2).numpy()
    return result
