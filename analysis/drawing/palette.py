"""The colours of a drawing: blue for positive, orange for negative, on light or dark ground.

Blue and orange are told apart in the common kinds of colour blindness, and differ in lightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from matplotlib.colors import LinearSegmentedColormap


@dataclass(frozen=True)
class Palette:
    """Colours as #rrggbb.

    Attributes:
        background: of the figure.
        text: of what is to be read first.
        muted: of what is to be read second.
        grey: of what is disconnected.
        neutral: of zero, in pictures of neurons and in the decision region.
        positive: of positive weights and values, and of class 1.
        negative: of negative weights and values, and of class 0.
        positive_data: of the points of class 1, over a region of `positive`.
        negative_data: of the points of class 0, likewise.
        wrong: of points on the wrong side.
        boundary: between the regions of the two classes.
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
        """From `negative` by way of `neutral` to `positive`."""
        stops = [self.negative, self.neutral, self.positive]
        return LinearSegmentedColormap.from_list("values", stops, N=129)

    def of_sign(self, weight: float) -> str:
        """The colour of a weight or a bias."""
        return self.positive if weight > 0 else self.negative


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
