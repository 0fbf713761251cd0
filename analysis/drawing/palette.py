"""Colours of a drawing: blue for positive, orange for negative, on a light or dark background.

Blue and orange can be told apart with the common kinds of colour blindness, and differ in
lightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from numpy.typing import NDArray

STYLE: list[str | dict[str, Any]] = ["default", {"text.parse_math": False}]
"""Matplotlib's style of every figure: no settings of a notebook, and a $ in a name is a $."""

_REGION_STRENGTH = 0.75
"""Fraction of the full colour used for logits, so that the data stand out from the region."""


@dataclass(frozen=True)
class Palette:
    """Colours as #rrggbb.

    Attributes:
        background, text, muted: background, main and secondary text.
        grey: disconnected weights and neurons.
        neutral: zero, in pictures of neurons and in the decision region.
        positive, negative: weights and values of this sign, and classes 1 and 0.
        positive_data, negative_data: points of these classes, over their regions.
        wrong: misclassified points.
        boundary: boundary between the regions of the two classes.
    """

    background: str
    text: str
    muted: str
    grey: str
    neutral: str
    positive: str
    negative: str
    positive_data: str
    negative_data: str
    wrong: str
    boundary: str

    @cached_property
    def values(self) -> LinearSegmentedColormap:
        """Colour map from `negative` through `neutral` to `positive`."""
        stops = [self.negative, self.neutral, self.positive]
        return LinearSegmentedColormap.from_list("values", stops, N=129)

    def of_sign(self, weight: float) -> str:
        """Return the colour of a weight or a bias."""
        return self.positive if weight > 0 else self.negative

    def of_class(self, number: int, classes: int) -> str:
        """Return the colour of a class's points; from the eleventh class on, colours repeat."""
        if classes == 2:
            return self.positive_data if number else self.negative_data
        return to_hex(colormaps["tab10"](number % 10))

    def of_activations(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Colour a neuron's activations, scaled so that the largest magnitude has full colour."""
        return self._coloured(values / (float(np.abs(values).max()) or 1.0))

    def of_logits(self, logits: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Colour the network's output, on the same scale in every drawing."""
        # A class has its strongest colour at a logit of magnitude 4.
        return self._coloured(np.clip(logits / 4.0, -1, 1) * _REGION_STRENGTH)

    def of_fractions(self, fractions: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Colour fractions of points: positive if classified correctly, else negative."""
        return self._coloured(fractions * _REGION_STRENGTH)

    def _coloured(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the colours of values from -1 to 1 as RGBA, uint8 [..., 4]."""
        colours: NDArray[np.uint8] = self.values(0.5 + values / 2, bytes=True)
        return colours


def rgba(colour: str) -> NDArray[np.uint8]:
    """Return an opaque colour as uint8 [4]."""
    return np.array([*(round(255 * part) for part in to_rgb(colour)), 255], np.uint8)


LIGHT = Palette(
    background="#ffffff",
    text="#1a1d21",
    muted="#5a626b",
    grey="#939ba3",
    neutral="#f4f4f2",
    positive="#1f78b4",
    negative="#f08c1a",
    positive_data="#0b3d62",
    negative_data="#8a4400",
    wrong="#000000",
    boundary="#3a4149",
)

DARK = Palette(
    background="#14181d",
    text="#f0f2f4",
    muted="#a3acb6",
    grey="#707a84",
    neutral="#262c33",
    positive="#4aa3df",
    negative="#f5a142",
    positive_data="#8fd0ff",
    negative_data="#ffc98a",
    wrong="#ffffff",
    boundary="#8a949e",
)
