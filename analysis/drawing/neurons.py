"""The neurons of a drawing as small pictures of what they answer over the input plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from analysis.drawing.cards import Box, Card
from analysis.drawing.layout import column_centre
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Parts
from analysis.drawing.plane import Layers, Plane, responses, without_others

_PIXELS_PER_INCH = 130
_LEAST_PIXELS, _MOST_PIXELS = 12, 96
_FADED = 0.35
"""Opacity of the picture of a neuron on no path."""

_BIAS_SHARE = 0.11
"""Radius of the dot of a bias as a share of the picture's side."""


_SMALL, _NARROW = 1.6, 1.05
"""Inches from layer to layer below which their names are small, and below which only numbers."""


def draw_neurons(
    axes: Axes,
    parts: Parts,
    layers: Layers,
    boxes: Mapping[tuple[int, int], Box],
    plane: Plane,
    palette: Palette,
    name: str,
) -> None:
    """Draws the pictures, each on its own scale, and the sign of each nonzero hidden bias.

    Args:
        axes: in inches.
        parts: of the network.
        layers: of the network.
        boxes: of the neurons to draw.
        plane: over which they answer.
        palette: of the drawing.
        name: of the network in the figure; the pictures' ids begin with it.
    """
    answers: dict[int, list[NDArray[np.float32]]] = {}
    small = without_others(layers, parts.shown)
    for (layer, place), box in boxes.items():
        pixels = int(np.clip(box.width * _PIXELS_PER_INCH, _LEAST_PIXELS, _MOST_PIXELS))
        if pixels not in answers:
            answers[pixels] = responses(small, plane.points(pixels))
        # Whatever is connected, the output answers, if only with its own bias.
        on_path = bool(parts.on_path[layer][place]) or layer == len(parts.sizes) - 1
        answer = answers[pixels][layer][parts.shown[layer].index(place)]
        picture = answer.reshape(pixels, pixels)
        image = _picture(axes, picture, box, palette, faded=not on_path)
        image.set_gid(f"{name}-neuron-{layer}-{place}")
        frame = Rectangle(
            (box.x, box.y),
            box.width,
            box.height,
            facecolor="none",
            edgecolor=palette.text if on_path else palette.grey,
            linewidth=0.9 if box.width > 0.2 else 0.5,
            linestyle="solid" if on_path else "dashed",
            zorder=5,
        )
        axes.add_patch(frame)
        if layer > 0 and (bias := float(layers[layer - 1][1][place])) != 0:
            colour = palette.of_sign(bias) if on_path else palette.grey
            axes.add_patch(bias_dot((box.x, box.y), box.width * _BIAS_SHARE, colour, palette))


def bias_dot(centre: tuple[float, float], radius: float, colour: str, palette: Palette) -> Circle:
    """The dot that stands for a bias."""
    return Circle(
        centre, radius, facecolor=colour, edgecolor=palette.background, linewidth=0.5, zorder=6
    )


def _picture(
    axes: Axes, answer: NDArray[np.float32], box: Box, palette: Palette, *, faded: bool
) -> AxesImage:
    """One picture, scaled such that its largest magnitude has the full colour."""
    largest = float(np.abs(answer).max()) or 1.0
    image = AxesImage(
        axes,
        cmap=palette.values,
        extent=(box.x, box.right, box.y, box.top),
        origin="lower",
        interpolation="none",
        zorder=4,
    )
    # As colours, not as numbers: a drawing takes no notice of what else is set for images.
    colours = palette.values(0.5 + answer / (2 * largest), bytes=True)
    image.set_data(_faded(colours, palette) if faded else colours)
    image.set_clip_on(False)
    axes.add_image(image)
    return image


def _faded(colours: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """The picture in shades of grey, near to the background."""
    ground = np.array([int(palette.background[place : place + 2], 16) for place in (1, 3, 5)])
    grey = colours[..., :3].mean(axis=2, keepdims=True)
    mixed = _FADED * grey + (1 - _FADED) * ground
    return np.concatenate([mixed.round().astype(np.uint8), colours[..., 3:]], axis=2)


def draw_layer_names(axes: Axes, parts: Parts, card: Card, palette: Palette) -> None:
    """Writes above each layer what it is, and how many of its neurons are drawn."""
    last = len(parts.sizes) - 1
    room = column_centre(parts, card, 1) - column_centre(parts, card, 0)
    small, narrow = room < _SMALL, room < _NARROW
    for layer in range(last if card.into_region else last + 1):
        centre, shown = column_centre(parts, card, layer), len(parts.shown[layer])
        size = parts.sizes[layer]
        if narrow:
            title, count = str(layer), f"{shown}/{size}" if shown < size else str(size)
        else:
            title = "inputs" if layer == 0 else "output" if layer == last else f"layer {layer}"
            noun = "" if layer in (0, last) else " neuron" if size == 1 else " neurons"
            count = f"{shown} of {size} drawn" if shown < size else f"{size}{noun}"
        axes.text(
            centre,
            card.network.top + 0.14,
            f"{title}\n{count}",
            ha="center",
            va="bottom",
            fontsize=9 if small else 11,
            color=palette.muted,
            linespacing=1.25,
        )
        if shown == 0:
            axes.text(
                centre,
                card.network.middle,
                "no weights left",
                rotation=90,
                ha="center",
                va="center",
                fontsize=10 if small else 12,
                color=palette.muted,
            )
