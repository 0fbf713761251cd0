"""The weights of a drawing as curves: colour shows the sign, line width the magnitude."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.collections import PathCollection
from matplotlib.path import Path

from analysis.drawing.layout import Box
from analysis.drawing.parts import Scene

Dashes = tuple[float, tuple[float, float]]
"""Offset and (dash, gap) lengths in line widths, as matplotlib takes them."""

DASHES: Dashes = (0, (3.0, 1.6))
"""Dashes of disconnected weights."""

DOTS: Dashes = (0, (1.0, 1.0))
"""Dots of dead weights."""


def line_width(weight: float) -> float:
    """Return a weight's line width in points; the scale is the same in every drawing."""
    return min(0.65 + abs(weight), 8.5)


def draw_weights(scene: Scene, boxes: Mapping[tuple[int, int], Box]) -> None:
    """Draw the weights between drawn neurons: one collection each for disconnected, dead, live."""
    palette, drawn = scene.palette, scene.parts.drawn_edges
    for kind, edges, dashes in (
        ("disconnected", [edge for edge in drawn if not edge.on_path], DASHES),
        ("dead", [edge for edge in drawn if edge.on_path and not edge.live], DOTS),
        ("connected", [edge for edge in drawn if edge.live], None),
    ):
        # Thin curves last, so that thick ones do not hide them.
        edges.sort(key=lambda edge: -abs(edge.weight))
        # Larger vector files open slowly.
        many = len(edges) >= 1_500
        curves = PathCollection(
            [_curve(boxes[edge.start], boxes[edge.end]) for edge in edges],
            facecolors="none",
            edgecolors=[
                palette.of_sign(edge.weight) if edge.on_path else palette.grey for edge in edges
            ],
            linewidths=[line_width(edge.weight) for edge in edges],
            linestyles=[dashes or "solid"],
            alpha=0.4 if many else 0.85,
            capstyle="butt",
            zorder=1 if dashes else 2,
        )
        curves.set_gid(f"{scene.name}-{kind}")
        curves.set_rasterized(many)
        scene.axes.add_collection(curves, autolim=False)


def _curve(source: Box, target: Box) -> Path:
    """Return a curve from the right side of a neuron to the left side of the next."""
    start, end = (source.right, source.middle), (target.x, target.middle)
    bend = (end[0] - start[0]) * 0.5
    points = [start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end]
    return Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
