"""The weights of a drawing as curves: their colour is the sign, their width the magnitude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.path import Path

from analysis.drawing.cards import Box
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Edge, Parts

_THINNEST, _PER_UNIT, _THICKEST = 0.65, 1.0, 8.5

_MANY = 1_500
"""More curves than that become an image, or a file of vectors would be slow to open."""

Dashes = tuple[float, tuple[float, float]]

DASHES: Dashes = (0, (3.0, 1.6))
"""Of what is disconnected, as matplotlib takes them."""


def line_width(weight: float) -> float:
    """How thick a weight is drawn, in points: the same in every drawing."""
    return min(_THINNEST + _PER_UNIT * abs(weight), _THICKEST)


def draw_weights(
    axes: Axes, parts: Parts, boxes: Mapping[tuple[int, int], Box], palette: Palette, name: str
) -> None:
    """Draws every nonzero weight once, as two collections: those on a path, and the others.

    Args:
        axes: in inches.
        parts: of the network.
        boxes: of its neurons.
        palette: of the drawing.
        name: of the network in the figure; the collections' ids begin with it.
    """
    disconnected = [edge for edge in parts.edges if not edge.on_path]
    _draw(axes, disconnected, boxes, palette, f"{name}-disconnected", DASHES)
    connected = [edge for edge in parts.edges if edge.on_path]
    _draw(axes, connected, boxes, palette, f"{name}-connected")


def _draw(
    axes: Axes,
    edges: Sequence[Edge],
    boxes: Mapping[tuple[int, int], Box],
    palette: Palette,
    gid: str,
    dashes: Dashes | None = None,
) -> None:
    # The thin ones last, where the thick ones do not hide them.
    ordered = sorted(edges, key=lambda edge: -abs(edge.weight))
    paths = [
        _curve(boxes[edge.layer, edge.source], boxes[edge.layer + 1, edge.target])
        for edge in ordered
    ]
    curves = PathCollection(
        paths,
        facecolors="none",
        edgecolors=[
            palette.of_sign(edge.weight) if edge.on_path else palette.grey for edge in ordered
        ],
        linewidths=[line_width(edge.weight) for edge in ordered],
        linestyles=[dashes or "solid"],
        alpha=0.85 if len(edges) < _MANY else 0.4,
        capstyle="butt",
        zorder=1 if dashes else 2,
    )
    curves.set_gid(gid)
    curves.set_rasterized(len(edges) >= _MANY)
    axes.add_collection(curves, autolim=False)


def _curve(source: Box, target: Box) -> Path:
    """From the right side of a neuron to the left side of the next, level at both ends."""
    start, end = (source.right, source.middle), (target.x, target.middle)
    bend = (end[0] - start[0]) * 0.5
    points = [start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
