"""The masks of the combinatorial search, which the experiment lists."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.experiment import Experiment
from search.masks.text import parse_mask


def explicit_masks(
    experiment: Experiment, inputs: int = 2, outputs: int = 1
) -> list[NDArray[np.bool_]]:
    """Return the weight masks of an experiment of the search, bool [n_out, n_in] for each layer.

    They are all True where none is listed. Biases are not masked: every used neuron keeps its bias
    (docs/paper.md, section 3). A ValueError if the method is not "search", or a mask is malformed
    or does not fit its layer.
    """
    if experiment.method != "search":
        raise ValueError(f"method {experiment.method!r} chooses its masks itself: list none")
    shapes = experiment.hidden.shapes(inputs, outputs)
    masks = [np.ones(shape, dtype=np.bool_) for shape in shapes]
    if len(experiment.masks) > len(masks):
        raise ValueError(f"{len(experiment.masks)} masks for a network of {len(masks)} layers")
    for layer, text in enumerate(experiment.masks):
        mask = parse_mask(text)
        if mask.shape != masks[layer].shape:
            raise ValueError(
                f"mask{layer + 1} {text!r} has {mask.shape[0]} rows and {mask.shape[1]} columns, "
                f"its layer has {masks[layer].shape[0]} outputs and {masks[layer].shape[1]} inputs"
            )
        masks[layer] = mask
    return masks
