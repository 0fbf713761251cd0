"""Consoles of rich that print text literally, without the characters that control a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from orchestrator.display.terminal import PIPE_WIDTH, visible


class _PlainConsole(Console):
    """A console that emits no control sequences except its own."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does, with control characters of the text made visible."""
        for segment in super().render(renderable, options):
            if segment.control:  # rich's own
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text literally, without markup, emoji or highlighting.

    Its `is_interactive` is whether a bar can be redrawn in place. Colours do not depend on it: they
    can be forced into a pipe with FORCE_COLOR.
    """
    stream = sys.stderr if stderr else sys.stdout
    on_terminal = stream is not None and stream.isatty()
    piped = not on_terminal and "COLUMNS" not in os.environ
    # A notebook runs `!sparsest ...` in a pseudo-terminal but shows cursor movements as text.
    interactive = on_terminal and "JPY_PARENT_PID" not in os.environ
    return _PlainConsole(
        stderr=stderr,
        width=PIPE_WIDTH if piped else None,
        highlight=False,
        markup=False,
        emoji=False,
        force_interactive=None if interactive else False,
    )


def print_unwrapped(console: Console, *lines: str) -> None:
    """Print lines on a console as they are, whatever its width."""
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
