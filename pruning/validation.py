"""Validation of what algorithms return; the training kernels do not check it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.protocol import Free, Segment, Snapshot
from search.layers import Layers, MaskArrays

MAX_EXTRAS = 10_000
"""Maximum length of what a method stores beside a row, in characters of JSON."""


def check_masks(
    method: str,
    weight_masks: MaskArrays,
    bias_masks: MaskArrays,
    layers: Layers,
) -> None:
    """Raise a ValueError unless masks fit the layers: bool [n_out, n_in] and bool [n_out]."""
    weights, biases = zip(*layers, strict=True)
    _check(method, "weight masks", weight_masks, weights, "bool")
    _check(method, "bias masks", bias_masks, biases, "bool")


def check_snapshot(method: str, network: Snapshot, layers: Layers) -> None:
    """Raise a ValueError unless a method returned a `Snapshot` that fits the layers."""
    if not isinstance(network, Snapshot):
        raise ValueError(f"method {method!r} returned a {type(network).__name__}, not a Snapshot")
    check_masks(method, network.weight_masks, network.bias_masks, layers)
    weights, biases = zip(*layers, strict=True)
    for name, changed in (("parameters", network.layers), ("velocities", network.velocities)):
        _check(method, f"weights' {name}", [weight for weight, _ in changed], weights, "float32")
        _check(method, f"biases' {name}", [bias for _, bias in changed], biases, "float32")


def check_segment(method: str, segment: Segment, layers: Layers) -> None:
    """Raise a ValueError unless the steps, the rate and all arrays of a requested segment fit."""
    # Objects to the type checker, which has not seen a plug-in.
    steps: tuple[object, object] = (segment.first_step, segment.last_step)
    rate: object = segment.rate
    whole = all(isinstance(step, int | np.integer) for step in steps)
    if not (whole and 0 <= segment.first_step <= segment.last_step):
        raise ValueError(
            f"method {method!r} requested steps {steps[0]!r} to {steps[1]!r}; "
            "allowed: whole numbers, 0 <= first_step <= last_step"
        )
    number = isinstance(rate, int | float | np.floating)
    if not (number and isfinite(segment.rate) and segment.rate >= 0):
        raise ValueError(f"method {method!r} requested rate {rate!r}; allowed: numbers from 0")
    check_snapshot(method, segment.network, layers)
    if segment.objective is not None:
        free, velocities = segment.objective.free, segment.objective.velocities
        if not free:
            raise ValueError(f"method {method!r} requested an objective without free parameters")
        _check(method, "free parameters", free, free, "float32")
        _check(method, "velocities of free parameters", velocities, free, "float32")
        decay = segment.objective.decay
        if decay is not None and len(decay) != len(free):
            raise ValueError(
                f"method {method!r} returned {len(decay)} decays of {len(free)} free parameters"
            )


def check_objective(
    method: str, weights: NDArray[np.float32], gradient: Free, free: Free, count: int
) -> None:
    """Raise a ValueError unless the shapes and types of what an objective's functions return fit.

    These are the results of `Objective.weights` and `Objective.gradient` for these values of the
    free parameters; `count` is the number of weights of the network.
    """
    template = np.zeros(count, np.float32)
    _check(method, "weights of its objective", [weights], [template], "float32")
    _check(method, "gradients of its objective", gradient, free, "float32")


def extras_text(method: str, extras: Mapping[str, Any]) -> str | None:
    """Return what a method stores beside a row as JSON with sorted keys; None for nothing.

    A ValueError if it is not JSON, contains NaN or infinity, or is longer than `MAX_EXTRAS`.
    """
    if not extras:
        return None
    try:
        text = json.dumps(extras, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"method {method!r} returned extras that are not JSON: {error}") from None
    if len(text) > MAX_EXTRAS:
        raise ValueError(
            f"method {method!r} returned extras of {len(text)} characters; allowed: {MAX_EXTRAS}"
        )
    return text


def _check(
    method: str,
    name: str,
    arrays: Sequence[NDArray[np.generic]],
    templates: Sequence[NDArray[np.generic]],
    dtype: str,
) -> None:
    shapes = [getattr(array, "shape", None) for array in arrays]
    if shapes == [array.shape for array in templates] and all(a.dtype == dtype for a in arrays):
        # The usual case, in a quarter of the time of the comparison below.
        return
    found = [(np.asarray(array).dtype, np.shape(array)) for array in arrays]
    expected = [(np.dtype(dtype), array.shape) for array in templates]
    if found != expected:
        raise ValueError(
            f"method {method!r} returned {name} that do not fit the network: {_text(found)}; "
            f"expected: {_text(expected)}"
        )


def _text(arrays: Sequence[tuple[np.dtype[np.generic], tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for dtype, shape in arrays)
