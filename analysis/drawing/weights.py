"""The weights of a drawing as curves: colour shows the sign, line width the magnitude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.path import Path

from analysis.drawing.cards import Box
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Edge, Parts

_MIN_WIDTH, _WIDTH_PER_UNIT, _MAX_WIDTH = 0.65, 1.0, 8.5
"""Line widths in points, and points per unit of magnitude."""

_MAX_VECTOR_CURVES = 1_500
"""Number of curves above which they are rasterised: larger vector files open slowly."""

Dashes = tuple[float, tuple[float, float]]
"""Offset and (dash, gap) lengths in line widths, as matplotlib takes them."""

DASHES: Dashes = (0, (3.0, 1.6))
"""Dashes of disconnected weights."""

DOTS: Dashes = (0, (1.0, 1.0))
"""Dots of dead weights."""


def line_width(weight: float) -> float:
    """Return a weight's line width in points; the scale is the same in every drawing."""
    return min(_MIN_WIDTH + _WIDTH_PER_UNIT * abs(weight), _MAX_WIDTH)


def draw_weights(
    axes: Axes, parts: Parts, boxes: Mapping[tuple[int, int], Box], palette: Palette, name: str
) -> None:
    """Draw every nonzero weight once, in three collections: disconnected, dead and live weights.

    Weights of neurons that are not drawn are left out.

    Args:
        axes: axes in inches.
        parts: parts of the network.
        boxes: squares of its neurons.
        palette: colours of the drawing.
        name: prefix of the collections' ids in the figure.
    """
    drawn = [
        edge
        for edge in parts.edges
        if (edge.layer, edge.source) in boxes and (edge.layer + 1, edge.target) in boxes
    ]
    disconnected = [edge for edge in drawn if not edge.on_path]
    _draw(axes, disconnected, boxes, palette, f"{name}-disconnected", DASHES)
    dead = [edge for edge in drawn if edge.on_path and not edge.live]
    _draw(axes, dead, boxes, palette, f"{name}-dead", DOTS)
    live = [edge for edge in drawn if edge.live]
    _draw(axes, live, boxes, palette, f"{name}-connected")


def _draw(
    axes: Axes,
    edges: Sequence[Edge],
    boxes: Mapping[tuple[int, int], Box],
    palette: Palette,
    gid: str,
    dashes: Dashes | None = None,
) -> None:
    # Thin curves last, so that thick ones do not hide them.
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
        alpha=0.85 if len(edges) < _MAX_VECTOR_CURVES else 0.4,
        capstyle="butt",
        zorder=1 if dashes else 2,
    )
    curves.set_gid(gid)
    curves.set_rasterized(len(edges) >= _MAX_VECTOR_CURVES)
    axes.add_collection(curves, autolim=False)


def _curve(source: Box, target: Box) -> Path:
    """Return a curve from the right side of a neuron to the left side of the next."""
    start, end = (source.right, source.middle), (target.x, target.middle)
    bend = (end[0] - start[0]) * 0.5
    points = [start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
