"""Neurons as small pictures of their output over the input plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from analysis.drawing.cards import Box, Card
from analysis.drawing.layout import layer_centre
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Parts
from analysis.drawing.plane import Plane, activations, restricted_to
from search.layers import Layers

_PIXELS_PER_INCH = 130
_MIN_PIXELS, _MAX_PIXELS = 12, 96
_FADED = 0.35
"""Opacity of the pictures of neurons on no path."""

_BIAS_RADIUS = 0.11
"""Radius of a bias dot as a fraction of the picture's side."""

_SMALL_DISTANCE, _NARROW_DISTANCE = 1.6, 1.05
"""Distances between layers, in inches, below which names are small or reduced to numbers."""


def draw_neurons(
    axes: Axes,
    parts: Parts,
    layers: Layers,
    boxes: Mapping[tuple[int, int], Box],
    plane: Plane,
    palette: Palette,
    name: str,
) -> None:
    """Draw the neurons' pictures, and a dot with the sign of each nonzero hidden bias.

    Each hidden neuron's picture has its own scale. The output's picture has the colours of the
    decision region, which shows the same function.

    Args:
        axes: axes in inches.
        parts: parts of the network.
        layers: weights and biases.
        boxes: squares of the neurons to draw.
        plane: part of the input plane to show.
        palette: colours of the drawing.
        name: prefix of the pictures' ids in the figure.
    """
    outputs: dict[int, list[NDArray[np.float32]]] = {}
    small = restricted_to(layers, parts.shown)
    last = len(parts.sizes) - 1
    for (layer, neuron), box in boxes.items():
        pixels = int(np.clip(box.width * _PIXELS_PER_INCH, _MIN_PIXELS, _MAX_PIXELS))
        if pixels not in outputs:
            outputs[pixels] = activations(small, plane.points(pixels))
        # The output counts as connected: without any path it still returns its bias.
        on_path = bool(parts.on_path[layer][neuron]) or layer == last
        live = bool(parts.live[layer][neuron]) or layer in (0, last)
        output = outputs[pixels][layer][parts.shown[layer].index(neuron)].reshape(pixels, pixels)
        colours = palette.of_logits(output) if layer == last else palette.of_activations(output)
        image = _picture(axes, colours if on_path else _faded(colours, palette), box)
        image.set_gid(f"{name}-neuron-{layer}-{neuron}")
        frame = Rectangle(
            (box.x, box.y),
            box.width,
            box.height,
            facecolor="none",
            edgecolor=palette.text if on_path else palette.grey,
            linewidth=0.9 if box.width > 0.2 else 0.5,
            linestyle="dashed" if not on_path else "solid" if live else "dotted",
            zorder=5,
        )
        axes.add_patch(frame)
        if layer > 0 and (bias := float(layers[layer - 1][1][neuron])) != 0:
            colour = palette.of_sign(bias) if on_path else palette.grey
            axes.add_patch(bias_dot((box.x, box.y), box.width * _BIAS_RADIUS, colour, palette))


def bias_dot(centre: tuple[float, float], radius: float, colour: str, palette: Palette) -> Circle:
    """Return the dot that represents a bias."""
    return Circle(
        centre, radius, facecolor=colour, edgecolor=palette.background, linewidth=0.5, zorder=6
    )


def _picture(axes: Axes, colours: NDArray[np.uint8], box: Box) -> AxesImage:
    """Draw an image given as colours, so that a notebook's image settings do not change it."""
    image = AxesImage(
        axes,
        extent=(box.x, box.right, box.y, box.top),
        origin="lower",
        interpolation="none",
        zorder=4,
    )
    image.set_data(colours)
    image.set_clip_on(False)
    axes.add_image(image)
    return image


def _faded(colours: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """Convert a picture to greys close to the background."""
    ground = np.array([int(palette.background[start : start + 2], 16) for start in (1, 3, 5)])
    grey = colours[..., :3].mean(axis=2, keepdims=True)
    mixed = _FADED * grey + (1 - _FADED) * ground
    return np.concatenate([mixed.round().astype(np.uint8), colours[..., 3:]], axis=2)


def draw_layer_names(axes: Axes, parts: Parts, card: Card, palette: Palette) -> None:
    """Write each layer's name above it, with the number of its neurons that are drawn."""
    last = len(parts.sizes) - 1
    distance = layer_centre(parts, card, 1) - layer_centre(parts, card, 0)
    small, narrow = distance < _SMALL_DISTANCE, distance < _NARROW_DISTANCE
    for layer in range(last if card.into_region else last + 1):
        centre, shown = layer_centre(parts, card, layer), len(parts.shown[layer])
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
