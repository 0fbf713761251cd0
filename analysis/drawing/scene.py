"""A network with everything that its drawing needs."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Circle

from analysis.drawing.palette import Palette
from analysis.drawing.parts import Parts
from search.layers import Layers
from workers.datasets import Dataset


@dataclass(frozen=True)
class Scene:
    """A network to draw, and the axes of the page, in inches; `name` is a prefix of ids."""

    layers: Layers
    parts: Parts
    dataset: Dataset
    axes: Axes
    palette: Palette
    name: str

    @property
    def over_plane(self) -> bool:
        """Whether the network is drawn over its input plane."""
        return self.dataset.features == 2 and self.dataset.outputs == 1

    @property
    def image_shape(self) -> tuple[int, int] | None:
        """(height, width) if the inputs are drawn as the pixels of an image."""
        return None if self.over_plane else self.dataset.image_shape


def bias_dot(centre: tuple[float, float], radius: float, colour: str, palette: Palette) -> Circle:
    """Return the dot that represents a bias."""
    return Circle(
        centre, radius, facecolor=colour, edgecolor=palette.background, linewidth=0.5, zorder=6
    )
