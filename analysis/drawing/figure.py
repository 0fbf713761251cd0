"""Drawings of trained networks, alone or side by side, as a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.cards import Box, Card, Page
from analysis.drawing.layout import neuron_boxes
from analysis.drawing.legend import draw_legend
from analysis.drawing.neurons import bias_dot, draw_layer_names, draw_neurons
from analysis.drawing.numbers import (
    SAID_COLUMNS,
    Caption,
    caption_of_network,
    caption_of_row,
)
from analysis.drawing.palette import DARK, LIGHT, Palette
from analysis.drawing.parts import Parts
from analysis.drawing.plane import Layers, Plane, without_others
from analysis.drawing.region import draw_region
from analysis.drawing.weights import draw_weights
from analysis.network import check_columns, network_from_row
from pruning.network import MaskedNetwork
from workers.datasets import Dataset, load_dataset

MOST_NETWORKS = 6
"""In one drawing."""

_DEFAULT_DATASET = "cubist-spiral"
_TALLEST_LINE = 0.25
_POINTS_PER_INCH = 120
"""Size of a font whose letters are an inch wide together, for each letter: 72 over 0.6."""

_SUBTITLE = 10.5
"""Font size of the line below the title, in points."""

_NUMBERS = 11
"""Font size of the table, in points."""

_LETTER = 0.088
"""Width of a letter of it, in inches."""


@dataclass(frozen=True)
class _Drawn:
    """A network to be drawn, with all that is said of it."""

    layers: Layers
    parts: Parts
    caption: Caption
    dataset: Dataset


def draw(
    *networks: MaskedNetwork | Mapping[str, Any], dataset: Dataset | None = None, dark: bool = False
) -> Figure:
    """Draws networks as TensorFlow Playground does.

    From left to right: the inputs, the hidden neurons as pictures of their activation over the
    input plane (each on its own scale; white is zero), and the decision region with the data over
    it, wrongly classified points last. A curve is a nonzero weight: its colour is the sign, its
    width the magnitude, on the same scale in every drawing. Weights and neurons on no path from an
    input to the output are grey and dashed; hidden neurons without a nonzero weight are left out.

    The figure is of no pyplot; `figure.savefig("net.svg")` writes it, and
    `analysis.drawing.files.save_drawing` does so with the same bytes every time.

    Args:
        networks: one, or up to `MOST_NETWORKS`, of which more than three stand in two rows:
            networks, or rows of the view `results` with their weights.
        dataset: over which to draw; None for that of a row, else the Cubist Spiral.
        dark: light on dark ground.

    Raises:
        ValueError: none or too many networks, a row that lacks columns or holds no network, or a
            data set whose points have other than two features.
        analysis.retrain.WeightsNotStored: the network of a row was not published.
    """
    if not 1 <= len(networks) <= MOST_NETWORKS:
        raise ValueError(f"{len(networks)} networks: 1 to {MOST_NETWORKS} can be drawn together")
    drawn = [_prepared(network, dataset) for network in networks]
    palette = DARK if dark else LIGHT
    page = Page.of(len(drawn))
    # Whatever is set for the plots of a notebook.
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(page.width, page.height), facecolor=palette.background)
        axes = _inches(figure, Box(0, 0, page.width, page.height))
        axes.axis("off")
        for number, (item, card) in enumerate(zip(drawn, page.cards, strict=True), start=1):
            _draw_card(figure, axes, item, card, palette, f"network-{number}")
        draw_legend(axes, [item.parts for item in drawn], page.cards[0].title.x, palette)
    return figure


def _prepared(network: MaskedNetwork | Mapping[str, Any], dataset: Dataset | None) -> _Drawn:
    row = network if isinstance(network, Mapping) else None
    built = network_from_row(network) if isinstance(network, Mapping) else network
    if row is not None:
        check_columns(row, (*SAID_COLUMNS, "dataset"))
    over = dataset or load_dataset(_DEFAULT_DATASET if row is None else row["dataset"])
    layers = built.layers()
    parts = Parts.of([weight for weight, _ in layers])
    if parts.sizes[0] != over.features:
        raise ValueError(
            f"the network has {parts.sizes[0]} inputs, {over.name} has {over.features} features"
        )
    if row is None:
        return _Drawn(layers, parts, caption_of_network(built, over, parts), over)
    return _Drawn(layers, parts, caption_of_row(row, layers, parts), over)


def _inches(figure: Figure, box: Box) -> Axes:
    """Axes that lie in a box; the first ones, over the whole page, are in inches themselves."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((box.x / width, box.y / height, box.width / width, box.height / height))
    axes.set(xlim=(box.x, box.right), ylim=(box.y, box.top))
    return axes


def _draw_card(
    figure: Figure, axes: Axes, item: _Drawn, card: Card, palette: Palette, name: str
) -> None:
    plane = Plane.around(item.dataset)
    boxes = neuron_boxes(item.parts, card)
    draw_weights(axes, item.parts, boxes, palette, name)
    pictures = {place: box for place, box in boxes.items() if box != card.region}
    draw_neurons(axes, item.parts, item.layers, pictures, plane, palette, name)
    draw_layer_names(axes, item.parts, card, palette)
    region = _inches(figure, card.region)
    region.set_zorder(axes.get_zorder() - 1)
    draw_region(
        region, without_others(item.layers, item.parts.shown), item.dataset, plane, palette, name
    )
    if card.into_region and (bias := float(item.layers[-1][1][0])) != 0:
        corner = (card.region.x, card.region.y)
        axes.add_patch(bias_dot(corner, 0.08, palette.of_sign(bias), palette))
    _write(axes, item.caption, card, palette)


def _write(axes: Axes, caption: Caption, card: Card, palette: Palette) -> None:
    """Title, subtitle, and the numbers in columns of equal length with the masks below."""
    title, area = card.title, card.numbers
    size = min(card.title_size, title.width * _POINTS_PER_INCH / len(caption.title))
    axes.text(title.x, title.y + 0.3, caption.title, fontsize=size, color=palette.text)
    axes.text(title.x, title.y, caption.subtitle, fontsize=_SUBTITLE, color=palette.muted)
    lines = -(-len(caption.table) // card.number_columns)
    step = min(area.height / (lines + len(caption.masks)), _TALLEST_LINE)
    columns = [
        *(caption.table[start : start + lines] for start in range(0, len(caption.table), lines)),
        caption.masks,
    ]
    for number, column in enumerate(columns):
        below = column is caption.masks
        x = area.x if below else area.x + number * area.width / card.number_columns
        indent = (max((len(name) for name, _ in column), default=0) + 1.5) * _LETTER
        for place, (name, value) in enumerate(column, start=lines if below else 0):
            y = area.top - (place + 0.5) * step
            axes.text(x, y, name, fontsize=_NUMBERS, color=palette.muted, va="center")
            axes.text(x + indent, y, value, fontsize=_NUMBERS, color=palette.text, va="center")
