"""Whether what an algorithm hands back fits its network: kernels take it on trust."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Snapshot
from search.layers import Layers


def check_masks(
    method: str,
    weight_masks: Sequence[NDArray[np.bool_]],
    bias_masks: Sequence[NDArray[np.bool_]],
    layers: Layers,
) -> None:
    """Looks at the masks that a method has chosen.

    Args:
        method: its name, for the message.
        weight_masks: should be bool [n_out, n_in] a layer.
        bias_masks: should be bool [n_out] a layer.
        layers: (weight [n_out, n_in], bias [n_out]) a layer, of the network that they are for.

    Raises:
        ValueError: they have other shapes or types.
    """
    weights, biases = zip(*layers, strict=True)
    _check(method, "weight masks", weight_masks, weights, "bool")
    _check(method, "bias masks", bias_masks, biases, "bool")


def check_snapshot(method: str, network: Snapshot, layers: Layers) -> None:
    """Looks at the network that a method has changed between two steps.

    Args:
        method: its name, for the message.
        network: what it handed back.
        layers: of the network before, as for `check_masks`.

    Raises:
        ValueError: something of it has another shape or type than before.
    """
    check_masks(method, network.weight_masks, network.bias_masks, layers)
    weights, biases = zip(*layers, strict=True)
    for what, changed in (("parameters", network.layers), ("velocities", network.velocities)):
        _check(method, f"weights' {what}", [weight for weight, _ in changed], weights, "float32")
        _check(method, f"biases' {what}", [bias for _, bias in changed], biases, "float32")


def _check(
    method: str,
    what: str,
    given: Sequence[NDArray[np.generic]],
    wanted: Sequence[NDArray[np.generic]],
    dtype: str,
) -> None:
    found = [(str(np.asarray(array).dtype), np.shape(array)) for array in given]
    fitting = [(dtype, array.shape) for array in wanted]
    if found != fitting:
        raise ValueError(
            f"method {method!r} gave {what} that do not fit the network: {_in_words(found)}; "
            f"wanted: {_in_words(fitting)}"
        )


def _in_words(arrays: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for dtype, shape in arrays)
