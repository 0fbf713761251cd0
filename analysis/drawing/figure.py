"""Drawings of trained networks, alone or side by side, as matplotlib figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.caption import CAPTION_COLUMNS, Caption, caption_of_network, caption_of_row
from analysis.drawing.layout import Box, Card, image_box, neuron_boxes, page_of
from analysis.drawing.legend import draw_legend, is_long
from analysis.drawing.neurons import draw_image_inputs, draw_layer_names, draw_names, draw_neurons
from analysis.drawing.palette import DARK, LIGHT, STYLE, Palette
from analysis.drawing.panel import draw_confusion, draw_region
from analysis.drawing.parts import Parts, Scene, bias_dot
from analysis.drawing.pictures import (
    class_pictures,
    image_pictures,
    picture_of_inputs,
    plane_pictures,
)
from analysis.drawing.plane import Plane
from analysis.drawing.weights import draw_weights
from analysis.network import check_fits, dataset_of
from analysis.row_network import check_columns, network_from_row
from pruning.functional_sparsity import count_active_points
from pruning.network import MaskedNetwork
from workers.datasets import Dataset, load_dataset

MAX_NETWORKS = 6
"""Maximum number of networks in one drawing."""

_TABLE_SIZE = 11.0
"""Font size of the table, in points."""


def draw(
    *networks: MaskedNetwork | Mapping[str, Any], dataset: Dataset | None = None, dark: bool = False
) -> Figure:
    """Draw networks in the style of TensorFlow Playground.

    From left to right: the inputs, the hidden neurons as pictures of their activation over the
    input plane (each on its own scale; white is zero), and the decision region with the data over
    it, misclassified points on top. A curve is a nonzero weight: its colour shows the sign, its
    width the magnitude, on the same scale in every drawing. Weights and neurons on no path from an
    input to the output are grey and dashed. Dead ones are dotted: every path through them has a
    neuron that no point activates. Hidden neurons without a nonzero weight are left out.

    With more than two inputs or classes there is no plane: the picture of a neuron has a bar for
    its mean output in each class or, if the inputs are pixels, shows how its output varies with
    each of them. A confusion matrix takes the place of the decision region. In a layer with more
    than `analysis.drawing.parts.MAX_DRAWN` neurons, those on no path are only counted.

    The figure is independent of pyplot. `figure.savefig("net.svg")` writes it;
    `analysis.drawing.files.save_drawing` does so with the same bytes every time.

    Args:
        networks: 1 to `MAX_NETWORKS` networks, or rows of the view `results` with their weights;
            more than three are drawn in two rows.
        dataset: data to draw and to measure on, which the title names; None for the data set that
            the network was trained on.
        dark: whether to draw on a dark background.

    Raises:
        ValueError: none or too many networks, a row that lacks columns or has no network, a data
            set with other numbers of features or classes than the network, or no data set for a
            network that does not know its own.
        analysis.retrain.WeightsNotStored: a row's network was not published.

    Example:
        >>> import sparsest
        >>> network = sparsest.train(structure="3x2", epochs=1).networks()[0]
        >>> figure = sparsest.draw(network)
        >>> sparsest.save_drawing(figure, "network.svg")
    """
    if not 1 <= len(networks) <= MAX_NETWORKS:
        raise ValueError(f"{len(networks)} networks: 1 to {MAX_NETWORKS} can be drawn together")
    palette = DARK if dark else LIGHT
    page, cards = page_of(len(networks))
    with matplotlib.style.context(STYLE):
        figure = Figure(figsize=(page.width, page.height), facecolor=palette.background)
        axes = _axes_in_inches(figure, page)
        axes.axis("off")
        prepared = [
            _prepared(network, dataset, axes, palette, f"network-{number}")
            for number, network in enumerate(networks, start=1)
        ]
        scenes = [scene for scene, _ in prepared]
        if is_long([scene.parts for scene in scenes]):
            cards = [card.above_legend() for card in cards]
        for (scene, caption), card in zip(prepared, cards, strict=True):
            _draw_network(figure, scene, card)
            _write_caption(axes, caption, card, palette)
        draw_legend(axes, scenes, cards[0].title.x, palette)
    return figure


def _prepared(
    network: MaskedNetwork | Mapping[str, Any],
    dataset: Dataset | None,
    axes: Axes,
    palette: Palette,
    name: str,
) -> tuple[Scene, Caption]:
    row = network if isinstance(network, Mapping) else None
    built = network_from_row(network) if isinstance(network, Mapping) else network
    if row is not None:
        check_columns(row, CAPTION_COLUMNS)
    data = dataset or load_dataset(dataset_of(built))
    check_fits(built, data)
    layers = built.layers()
    active_points = count_active_points(layers, data.points)
    parts = Parts.of([weight for weight, _ in layers], active_points)
    # A row's accuracy is that on its own data set.
    if row is not None and row["dataset"] == data.name:
        caption = caption_of_row(row, layers, parts)
    else:
        caption = caption_of_network(built, data, parts)
    return Scene(layers, parts, data, axes, palette, name), caption


def _axes_in_inches(figure: Figure, box: Box) -> Axes:
    """Return axes over a box, with inches as their units."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((box.x / width, box.y / height, box.width / width, box.height / height))
    axes.set(xlim=(box.x, box.right), ylim=(box.y, box.top))
    return axes


def _draw_network(figure: Figure, scene: Scene, card: Card) -> None:
    """Draw neurons over the input plane, by class or as images, and the panel beside them."""
    if not scene.over_plane:
        card = replace(card, into_region=False)
    shape, plane = scene.image_shape, Plane.around(scene.dataset) if scene.over_plane else None
    boxes = neuron_boxes(scene.parts, card, shape)
    draw_weights(scene, boxes)
    squares = {neuron: box for neuron, box in boxes.items() if box != card.region}
    if plane is not None:
        picture_of = plane_pictures(scene, plane)
    elif shape is None:
        picture_of = class_pictures(scene)
    else:
        squares = {neuron: box for neuron, box in boxes.items() if neuron[0] > 0}
        picture_of = image_pictures(scene, shape)
        inputs = picture_of_inputs(scene, shape)
        draw_image_inputs(scene, image_box(scene.parts, card, shape), inputs)
    draw_neurons(scene, squares, picture_of)
    draw_layer_names(scene, card)
    if plane is None:
        draw_names(scene, boxes)
        draw_confusion(_axes_in_inches(figure, card.confusion), scene)
        return
    region = _axes_in_inches(figure, card.region)
    region.set_zorder(scene.axes.get_zorder() - 1)
    draw_region(region, scene, plane)
    if card.into_region and (bias := float(scene.layers[-1][1][0])) != 0:
        corner, colour = (card.region.x, card.region.y), scene.palette.of_sign(bias)
        scene.axes.add_patch(bias_dot(corner, 0.08, colour, scene.palette))


def _write_caption(axes: Axes, caption: Caption, card: Card, palette: Palette) -> None:
    """Write title, subtitle, and the numbers in columns of equal length, with the masks below."""
    title, area = card.title, card.numbers
    # A letter is an inch wide at 120 points: 72 / 0.6.
    size = min(card.title_size, title.width * 120 / len(caption.title))
    axes.text(title.x, title.y + 0.3, caption.title, fontsize=size, color=palette.text)
    axes.text(title.x, title.y, caption.subtitle, fontsize=10.5, color=palette.muted)
    lines = -(-len(caption.table) // card.number_columns)
    step = min(area.height / (lines + len(caption.masks)), 0.25)
    columns = [
        *(caption.table[start : start + lines] for start in range(0, len(caption.table), lines)),
        caption.masks,
    ]
    for number, column in enumerate(columns):
        below = column is caption.masks
        x = area.x if below else area.x + number * 2.27
        # A letter is 0.088 inches wide.
        indent = (max((len(name) for name, _ in column), default=0) + 1.5) * 0.088
        for line, (name, value) in enumerate(column, start=lines if below else 0):
            y = area.top - (line + 0.5) * step
            axes.text(x, y, name, fontsize=_TABLE_SIZE, color=palette.muted, va="center")
            size = _TABLE_SIZE
            if card.number_columns > 1 and not below:
                # Longer values have smaller letters.
                size *= min(1, 13 / len(value))
            axes.text(x + indent, y, value, fontsize=size, color=palette.text, va="center")
