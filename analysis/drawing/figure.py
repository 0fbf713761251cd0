"""Drawings of trained networks, alone or side by side, as matplotlib figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.caption import (
    CAPTION_COLUMNS,
    Caption,
    caption_of_network,
    caption_of_row,
)
from analysis.drawing.cards import Box, Card, Page
from analysis.drawing.confusion import draw_confusion
from analysis.drawing.layout import image_box, neuron_boxes
from analysis.drawing.legend import draw_legend, is_long
from analysis.drawing.neurons import (
    bias_dot,
    draw_image_inputs,
    draw_layer_names,
    draw_names,
    draw_neurons,
)
from analysis.drawing.palette import DARK, LIGHT, Palette
from analysis.drawing.parts import Parts
from analysis.drawing.pictures import ClassPictures, ImagePictures, Pictures, PlanePictures
from analysis.drawing.plane import Plane, restricted_to
from analysis.drawing.region import draw_region
from analysis.drawing.weights import draw_weights
from analysis.network import check_columns, dataset_of, network_from_row
from pruning.functional_sparsity import count_active_points
from pruning.network import MaskedNetwork
from search.layers import Layers
from workers.datasets import Dataset, load_dataset

MAX_NETWORKS = 6
"""Maximum number of networks in one drawing."""

_MAX_LINE_HEIGHT = 0.25
_POINTS_PER_INCH = 120
"""Font size at which a letter is an inch wide: 72 / 0.6."""

_SUBTITLE_SIZE = 10.5
"""Font size of the subtitle, in points."""

_TABLE_SIZE = 11.0
"""Font size of the table, in points."""

_VALUE_LENGTH = 13
"""Characters of a value in a table of several columns; longer values have smaller letters."""

_LETTER_WIDTH = 0.088
"""Width of a letter of the table, in inches."""

_COLUMN_DISTANCE = 2.27
"""Distance between the columns of the table, in inches."""


@dataclass(frozen=True)
class _Prepared:
    """A network with everything that its drawing shows."""

    layers: Layers
    parts: Parts
    caption: Caption
    dataset: Dataset


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
    prepared = [_prepared(network, dataset) for network in networks]
    palette = DARK if dark else LIGHT
    parts = [item.parts for item in prepared]
    page = Page.of(len(prepared))
    cards = [card.above_legend() for card in page.cards] if is_long(parts) else page.cards
    # Independent of a notebook's settings.
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(page.width, page.height), facecolor=palette.background)
        axes = _axes_in_inches(figure, Box(0, 0, page.width, page.height))
        axes.axis("off")
        for number, (item, card) in enumerate(zip(prepared, cards, strict=True), start=1):
            _draw_card(figure, axes, item, card, palette, f"network-{number}")
        picture = picture_text([item.dataset for item in prepared])
        draw_legend(axes, parts, cards[0].title.x, palette, picture)
    return figure


def _prepared(network: MaskedNetwork | Mapping[str, Any], dataset: Dataset | None) -> _Prepared:
    row = network if isinstance(network, Mapping) else None
    built = network_from_row(network) if isinstance(network, Mapping) else network
    if row is not None:
        check_columns(row, CAPTION_COLUMNS)
    data = dataset or load_dataset(dataset_of(built))
    layers = built.layers()
    inputs = layers[0][0].shape[1]
    if inputs != data.features:
        raise ValueError(
            f"the network has {inputs} inputs, {data.name} has {data.features} features"
        )
    outputs = layers[-1][0].shape[0]
    if outputs != data.outputs:
        raise ValueError(
            f"the network has {outputs} outputs, {data.name} has {data.classes} classes and needs "
            f"{data.outputs}"
        )
    active_points = count_active_points(layers, data.points)
    parts = Parts.of([weight for weight, _ in layers], active_points)
    # A row's accuracy is that on its own data set.
    if row is None or row["dataset"] != data.name:
        return _Prepared(layers, parts, caption_of_network(built, data, parts), data)
    return _Prepared(layers, parts, caption_of_row(row, layers, parts), data)


def has_plane(dataset: Dataset) -> bool:
    """Return whether networks for a data set are drawn over its input plane."""
    return dataset.features == 2 and dataset.outputs == 1


def picture_text(datasets: Sequence[Dataset]) -> str:
    """Return what the pictures of neurons show, for the legend; empty over the plane."""
    if all(map(has_plane, datasets)):
        return ""
    images = all(dataset.image_shape is not None for dataset in datasets)
    return "pixels: covariance" if images else "bars: mean by class"


def _axes_in_inches(figure: Figure, box: Box) -> Axes:
    """Return axes over a box, with inches as their units."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((box.x / width, box.y / height, box.width / width, box.height / height))
    axes.set(xlim=(box.x, box.right), ylim=(box.y, box.top))
    return axes


def _draw_card(
    figure: Figure, axes: Axes, item: _Prepared, card: Card, palette: Palette, name: str
) -> None:
    if has_plane(item.dataset):
        _draw_over_plane(figure, axes, item, card, palette, name)
    else:
        _draw_by_class(figure, axes, item, card, palette, name)
    _write_caption(axes, item.caption, card, palette)


def _draw_over_plane(
    figure: Figure, axes: Axes, item: _Prepared, card: Card, palette: Palette, name: str
) -> None:
    """Draw neurons over the input plane, and the decision region."""
    plane = Plane.around(item.dataset)
    boxes = neuron_boxes(item.parts, card)
    draw_weights(axes, item.parts, boxes, palette, name)
    squares = {neuron: box for neuron, box in boxes.items() if box != card.region}
    pictures = PlanePictures(item.parts, item.layers, plane, palette)
    draw_neurons(axes, item.parts, item.layers, squares, pictures, palette, name)
    draw_layer_names(axes, item.parts, card, palette, pixels=False)
    region = _axes_in_inches(figure, card.region)
    region.set_zorder(axes.get_zorder() - 1)
    draw_region(
        region, restricted_to(item.layers, item.parts.shown), item.dataset, plane, palette, name
    )
    if card.into_region and (bias := float(item.layers[-1][1][0])) != 0:
        corner = (card.region.x, card.region.y)
        axes.add_patch(bias_dot(corner, 0.08, palette.of_sign(bias), palette))


def _draw_by_class(
    figure: Figure, axes: Axes, item: _Prepared, card: Card, palette: Palette, name: str
) -> None:
    """Draw neurons by class or as images, and the confusion matrix."""
    card, shape = replace(card, into_region=False), item.dataset.image_shape
    boxes = neuron_boxes(item.parts, card, shape)
    draw_weights(axes, item.parts, boxes, palette, name)
    pictures: Pictures
    if shape is None:
        squares, pictures = boxes, ClassPictures(item.layers, item.dataset, palette)
    else:
        squares = {neuron: box for neuron, box in boxes.items() if neuron[0] > 0}
        pictures = images = ImagePictures(item.layers, item.dataset, palette)
        draw_image_inputs(axes, image_box(item.parts, card, shape), images, palette, name)
    draw_neurons(axes, item.parts, item.layers, squares, pictures, palette, name)
    draw_layer_names(axes, item.parts, card, palette, pixels=shape is not None)
    draw_names(axes, item.parts, boxes, item.dataset, palette)
    confusion = _axes_in_inches(figure, card.confusion)
    draw_confusion(confusion, item.layers, item.dataset, palette, name)


def _write_caption(axes: Axes, caption: Caption, card: Card, palette: Palette) -> None:
    """Write title, subtitle, and the numbers in columns of equal length, with the masks below."""
    title, area = card.title, card.numbers
    size = min(card.title_size, title.width * _POINTS_PER_INCH / len(caption.title))
    axes.text(title.x, title.y + 0.3, caption.title, fontsize=size, color=palette.text)
    axes.text(title.x, title.y, caption.subtitle, fontsize=_SUBTITLE_SIZE, color=palette.muted)
    lines = -(-len(caption.table) // card.number_columns)
    step = min(area.height / (lines + len(caption.masks)), _MAX_LINE_HEIGHT)
    columns = [
        *(caption.table[start : start + lines] for start in range(0, len(caption.table), lines)),
        caption.masks,
    ]
    for number, column in enumerate(columns):
        below = column is caption.masks
        x = area.x if below else area.x + number * _COLUMN_DISTANCE
        indent = (max((len(name) for name, _ in column), default=0) + 1.5) * _LETTER_WIDTH
        for line, (name, value) in enumerate(column, start=lines if below else 0):
            y = area.top - (line + 0.5) * step
            axes.text(x, y, name, fontsize=_TABLE_SIZE, color=palette.muted, va="center")
            size = _TABLE_SIZE
            if card.number_columns > 1 and not below:
                size *= min(1, _VALUE_LENGTH / len(value))
            axes.text(x + indent, y, value, fontsize=size, color=palette.text, va="center")
