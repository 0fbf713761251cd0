"""Neurons as small pictures of their output."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from analysis.drawing.caption import shortened
from analysis.drawing.cards import Box, Card
from analysis.drawing.layout import layer_centre
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Parts
from analysis.drawing.pictures import ImagePictures, Pictures
from search.layers import Layers
from workers.datasets import Dataset

_PIXELS_PER_INCH = 130
_MIN_PIXELS, _MAX_PIXELS = 12, 96
_FADED = 0.35
"""Opacity of the pictures of neurons on no path."""

_BIAS_RADIUS = 0.11
"""Radius of a bias dot as a fraction of the picture's side."""

_MAX_NAMED = 10
"""Maximum number of inputs, or of outputs, whose names are written."""

_NAME_HEIGHT = 0.15
"""Distance between the pictures of inputs that leaves room for a name, in inches."""

_FEATURE_LENGTH, _CLASS_LENGTH = 20, 11
"""Maximum characters of the name of a feature and of a class."""

_SMALL_DISTANCE, _NARROW_DISTANCE = 1.6, 1.05
"""Distances between layers, in inches, below which names are small or reduced to numbers."""


def draw_neurons(
    axes: Axes,
    parts: Parts,
    layers: Layers,
    boxes: Mapping[tuple[int, int], Box],
    pictures: Pictures,
    palette: Palette,
    name: str,
) -> None:
    """Draw the neurons' pictures, and a dot with the sign of each nonzero hidden bias.

    Args:
        axes: axes in inches.
        parts: parts of the network.
        layers: weights and biases.
        boxes: squares of the neurons to draw.
        pictures: pictures of these neurons.
        palette: colours of the drawing.
        name: prefix of the pictures' ids in the figure.
    """
    last = len(parts.sizes) - 1
    for (layer, neuron), box in boxes.items():
        pixels = int(np.clip(box.width * _PIXELS_PER_INCH, _MIN_PIXELS, _MAX_PIXELS))
        # The output counts as connected: without any path it still returns its bias.
        on_path = bool(parts.on_path[layer][neuron]) or layer == last
        live = bool(parts.live[layer][neuron]) or layer in (0, last)
        colours = pictures.of(layer, neuron, pixels)
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


def draw_image_inputs(
    axes: Axes, box: Box, pictures: ImagePictures, palette: Palette, name: str
) -> None:
    """Draw the inputs as one image, below the weights, which start at its pixels."""
    image = _picture(axes, pictures.of_inputs(), box)
    image.set_gid(f"{name}-inputs")
    image.set_zorder(0)
    frame = Rectangle((box.x, box.y), box.width, box.height, facecolor="none")
    frame.set(edgecolor=palette.text, linewidth=0.9, zorder=0)
    axes.add_patch(frame)


def draw_names(
    axes: Axes,
    parts: Parts,
    boxes: Mapping[tuple[int, int], Box],
    dataset: Dataset,
    palette: Palette,
) -> None:
    """Write the names of features left of the inputs, and those of classes right of the outputs.

    They are left out where there are many, and for pixels.

    Args:
        axes: axes in inches.
        parts: parts of the network.
        boxes: squares of the drawn neurons.
        dataset: data set of the network.
        palette: colours of the drawing.
    """
    last = len(parts.sizes) - 1
    outputs = [boxes[last, number] for number in parts.drawn[last]]
    if 1 < len(outputs) <= _MAX_NAMED and len({box.x for box in outputs}) == 1:
        for number, name in enumerate(dataset.class_names):
            box, text = boxes[last, number], shortened(name, _CLASS_LENGTH)
            axes.text(
                box.right + 0.05, box.middle, text, va="center", fontsize=8, color=palette.muted
            )
    if dataset.image_shape is not None or not dataset.feature_names:
        return
    inputs = [boxes[0, number] for number in parts.drawn[0]]
    distances = [upper.y - lower.top for upper, lower in pairwise(inputs)]
    if len(inputs) <= _MAX_NAMED and all(distance > _NAME_HEIGHT for distance in distances):
        for box, number in zip(inputs, parts.drawn[0], strict=True):
            text = shortened(dataset.feature_names[number], _FEATURE_LENGTH)
            axes.text(box.x, box.top + 0.02, text, va="bottom", fontsize=8, color=palette.muted)


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


def draw_layer_names(
    axes: Axes, parts: Parts, card: Card, palette: Palette, *, pixels: bool
) -> None:
    """Write each layer's name above it, with the number of its neurons that are drawn.

    Args:
        axes: axes in inches.
        parts: parts of the network.
        card: layout of the drawing.
        palette: colours of the drawing.
        pixels: whether the inputs are the pixels of an image, which are all drawn.
    """
    last = len(parts.sizes) - 1
    distance = layer_centre(parts, card, 1) - layer_centre(parts, card, 0)
    small, narrow = distance < _SMALL_DISTANCE, distance < _NARROW_DISTANCE
    for layer in range(last if card.into_region else last + 1):
        centre = layer_centre(parts, card, layer)
        shown = parts.sizes[0] if layer == 0 and pixels else len(parts.drawn[layer])
        size = parts.sizes[layer]
        if narrow:
            title, count = str(layer), f"{shown}/{size}" if shown < size else str(size)
        else:
            output = "output" if parts.sizes[-1] == 1 else "outputs"
            title = "inputs" if layer == 0 else output if layer == last else f"layer {layer}"
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
                "none on a path" if parts.shown[layer] else "no weights left",
                rotation=90,
                ha="center",
                va="center",
                fontsize=10 if small else 12,
                color=palette.muted,
            )
