"""Neurons as small pictures of their output."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from analysis.drawing.caption import shortened
from analysis.drawing.layout import Box, Card, layer_centre
from analysis.drawing.palette import Palette, rgba
from analysis.drawing.parts import Scene, bias_dot
from analysis.drawing.pictures import PictureOf

_MAX_NAMED = 10
"""Maximum number of inputs, or of outputs, whose names are written."""


def draw_neurons(scene: Scene, boxes: Mapping[tuple[int, int], Box], picture_of: PictureOf) -> None:
    """Draw pictures in the neurons' boxes, and a dot with the sign of each nonzero hidden bias."""
    axes, parts, palette = scene.axes, scene.parts, scene.palette
    last = len(parts.sizes) - 1
    for (layer, neuron), box in boxes.items():
        pixels = int(np.clip(box.width * 130, 12, 96))
        # The output counts as connected: without any path it still returns its bias.
        on_path = bool(parts.on_path[layer][neuron]) or layer == last
        live = bool(parts.live[layer][neuron]) or layer in (0, last)
        colours = picture_of(layer, neuron, pixels)
        image = _picture(axes, colours if on_path else _faded(colours, palette), box)
        image.set_gid(f"{scene.name}-neuron-{layer}-{neuron}")
        frame = _frame(scene, box, palette.text if on_path else palette.grey)
        frame.set_linestyle("dashed" if not on_path else "solid" if live else "dotted")
        frame.set(linewidth=0.9 if box.width > 0.2 else 0.5, zorder=5)
        if layer > 0 and (bias := float(scene.layers[layer - 1][1][neuron])) != 0:
            colour = palette.of_sign(bias) if on_path else palette.grey
            axes.add_patch(bias_dot((box.x, box.y), box.width * 0.11, colour, palette))


def draw_image_inputs(scene: Scene, box: Box, picture: NDArray[np.uint8]) -> None:
    """Draw the inputs as one image, below the weights, which start at its pixels."""
    image = _picture(scene.axes, picture, box)
    image.set_gid(f"{scene.name}-inputs")
    image.set_zorder(0)
    _frame(scene, box, scene.palette.text).set(linewidth=0.9, zorder=0)


def draw_names(scene: Scene, boxes: Mapping[tuple[int, int], Box]) -> None:
    """Write the names of features left of the inputs, and those of classes right of the outputs.

    They are left out where there are many, and for pixels.
    """
    parts, dataset = scene.parts, scene.dataset
    style: dict[str, Any] = {"fontsize": 8, "color": scene.palette.muted}
    last = len(parts.sizes) - 1
    outputs = [boxes[last, number] for number in parts.drawn[last]]
    if 1 < len(outputs) <= _MAX_NAMED and len({box.x for box in outputs}) == 1:
        for number, name in enumerate(dataset.class_names):
            box, text = boxes[last, number], shortened(name, 11)
            scene.axes.text(box.right + 0.05, box.middle, text, va="center", **style)
    if dataset.image_shape is not None or not dataset.feature_names:
        return
    inputs = [boxes[0, number] for number in parts.drawn[0]]
    distances = [upper.y - lower.top for upper, lower in pairwise(inputs)]
    # Names need 0.15 inches between the pictures.
    if len(inputs) <= _MAX_NAMED and all(distance > 0.15 for distance in distances):
        for box, number in zip(inputs, parts.drawn[0], strict=True):
            text = shortened(dataset.feature_names[number], 20)
            scene.axes.text(box.x, box.top + 0.02, text, va="bottom", **style)


def draw_layer_names(scene: Scene, card: Card) -> None:
    """Write each layer's name above it, with the number of its neurons that are drawn."""
    axes, parts = scene.axes, scene.parts
    last = len(parts.sizes) - 1
    distance = layer_centre(parts, card, 1) - layer_centre(parts, card, 0)
    # In inches; below these, names are small or short, and at last numbers.
    small, narrow = distance < 1.6, distance < 1.05
    style: dict[str, Any] = {"ha": "center", "color": scene.palette.muted}
    for layer in range(last if card.into_region else last + 1):
        centre, size = layer_centre(parts, card, layer), parts.sizes[layer]
        # All pixels of an image are drawn.
        shown = size if layer == 0 and scene.image_shape else len(parts.drawn[layer])
        output = "output" if parts.sizes[-1] == 1 else "outputs"
        title = "inputs" if layer == 0 else output if layer == last else f"layer {layer}"
        title = str(layer) if distance < 0.55 else title
        if narrow:
            count = f"{shown}/{size}" if shown < size else str(size)
        else:
            noun = "" if layer in (0, last) else " neuron" if size == 1 else " neurons"
            count = f"{shown} of {size} drawn" if shown < size else f"{size}{noun}"
        axes.text(
            centre,
            card.network.top + 0.14,
            f"{title}\n{count}",
            va="bottom",
            fontsize=9 if small else 11,
            linespacing=1.25,
            **style,
        )
        if shown == 0:
            axes.text(
                centre,
                card.network.middle,
                "none on a path" if parts.shown[layer] else "no weights left",
                rotation=90,
                va="center",
                fontsize=10 if small else 12,
                **style,
            )


def _frame(scene: Scene, box: Box, colour: str) -> Rectangle:
    frame = Rectangle((box.x, box.y), box.width, box.height, facecolor="none", edgecolor=colour)
    scene.axes.add_patch(frame)
    return frame


def _picture(axes: Axes, colours: NDArray[np.uint8], box: Box) -> AxesImage:
    """Draw an image given as colours, so that a notebook's image settings do not change it."""
    extent = (box.x, box.right, box.y, box.top)
    image = AxesImage(axes, extent=extent, origin="lower", interpolation="none", zorder=4)
    image.set_data(colours)
    image.set_clip_on(False)
    axes.add_image(image)
    return image


def _faded(colours: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """Convert a picture to greys close to the background."""
    grey = colours[..., :3].mean(axis=2, keepdims=True)
    mixed = 0.35 * grey + 0.65 * rgba(palette.background)[:3]
    return np.concatenate([mixed.round().astype(np.uint8), colours[..., 3:]], axis=2)
