"""The legend at the foot of a drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle

from analysis.drawing.layout import LEGEND_HEIGHT, Box
from analysis.drawing.palette import Palette
from analysis.drawing.parts import Parts, Scene, bias_dot
from analysis.drawing.weights import DASHES, DOTS, Dashes, line_width

_SAMPLES = (0.2, 1, 4)
"""Magnitudes of the sample weights."""

_UPPER, _LOWER = LEGEND_HEIGHT + 0.17, LEGEND_HEIGHT - 0.17
_STROKE = 0.42
_INDENT = 0.52
_COLUMNS = (0.0, 1.4, 4.55, 6.45, 8.75)


def draw_legend(axes: Axes, scenes: Sequence[Scene], x: float, palette: Palette) -> None:
    """Explain the symbols; those for disconnected or dead parts only if a network has any."""
    signs, widths, points, *free = (x + column for column in _COLUMNS)
    for y, sign in ((_UPPER, "positive"), (_LOWER, "negative")):
        _line(axes, signs, y, getattr(palette, sign), 2.5)
        _text(axes, signs + _INDENT, y, sign, palette)
    for number, sample in enumerate(_SAMPLES):
        left = widths + 0.82 * number
        _line(axes, left, _UPPER, palette.muted, line_width(sample))
        _text(axes, left + _STROKE + 0.06, _UPPER, f"{sample:g}", palette)
    _text(axes, widths + 0.82 * len(_SAMPLES) - 0.1, _UPPER, "|weight|", palette)
    for number, colour in enumerate((palette.positive, palette.negative)):
        axes.add_patch(bias_dot((widths + 0.2 + 0.17 * number, _LOWER), 0.06, colour, palette))
    _text(axes, widths + _INDENT, _LOWER, "bias of a neuron", palette)
    if not all(scene.over_plane for scene in scenes):
        images = all(scene.dataset.image_shape is not None for scene in scenes)
        shown = "pixels: covariance" if images else "bars: mean by class"
        _text(axes, points, _UPPER, shown, palette)
    else:
        axes.add_patch(Circle((points + 0.33, _UPPER), 0.05, color=palette.wrong))
        _text(axes, points + _INDENT, _UPPER, "misclassified", palette)
    _colour_scale(axes, Box(points, _LOWER - 0.07, _STROKE, 0.14), palette)
    _text(axes, points + _INDENT, _LOWER, "output, \N{MINUS SIGN} to +", palette)
    disconnected, dead = _absent_kinds([scene.parts for scene in scenes])
    kinds = []
    if disconnected:
        grey, names = palette.grey, ("disconnected weight", "neuron on no path")
        kinds.append((grey, DASHES, grey, "dashed", *names))
    if dead:
        kinds.append((palette.positive, DOTS, palette.text, "dotted", "dead weight", "dead neuron"))
    for left, (colour, dashes, edge, frame, weight, neuron) in zip(free, kinds, strict=False):
        _line(axes, left, _UPPER, colour, 2.5, dashes)
        _text(axes, left + _INDENT, _UPPER, weight, palette)
        patch = Rectangle((left + 0.13, _LOWER - 0.1), 0.2, 0.2, facecolor="none")
        patch.set(edgecolor=edge, linestyle=frame)
        axes.add_patch(patch)
        _text(axes, left + _INDENT, _LOWER, neuron, palette)


def is_long(networks: Sequence[Parts]) -> bool:
    """Return whether the legend reaches below the table of numbers of a single network."""
    return all(_absent_kinds(networks))


def _absent_kinds(networks: Sequence[Parts]) -> tuple[bool, bool]:
    """Return whether weights or neurons on no path are drawn, and whether one has dead weights."""
    disconnected = any(
        parts.off_path(parts.drawn) or any(not edge.on_path for edge in parts.drawn_edges)
        for parts in networks
    )
    return disconnected, any(e.on_path and not e.live for parts in networks for e in parts.edges)


def _text(axes: Axes, x: float, y: float, text: str, palette: Palette) -> None:
    axes.text(x, y, text, va="center", fontsize=10, color=palette.muted)


def _line(
    axes: Axes, x: float, y: float, colour: str, width: float, dashes: Dashes | None = None
) -> None:
    line = Line2D([x, x + _STROKE], [y, y], color=colour, lw=width, ls=dashes or "solid")
    line.set(solid_capstyle="butt", dash_capstyle="butt")
    axes.add_line(line)


def _colour_scale(axes: Axes, box: Box, palette: Palette) -> None:
    """Draw the colours from the most negative to the most positive value."""
    extent = (box.x, box.right, box.y, box.top)
    image = AxesImage(axes, extent=extent, interpolation="none", zorder=4)
    image.set_data(palette.values(np.linspace(0, 1, 65), bytes=True)[None])
    axes.add_image(image)
