"""What is printed for a person, without what would command the terminal.

Names, commands, hosts and reasons in a store come from whoever made it, and a terminal obeys the
control characters in them: it moves its cursor over lines above, changes its title, or types
answers of its own. Whatever a command prints for reading goes through here. CSV, JSON and Parquet
have every character as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for line feed and tabulator, other ends of lines, those that turn the
direction of writing round, and halves of surrogate pairs, which cannot be printed."""


def visible(text: str) -> str:
    r"""The text with a name such as \x1b in place of each character that is not to be printed."""
    return _COMMANDING.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def print_line(text: str = "", *, err: bool = False) -> None:
    """Prints a line.

    Args:
        text: the line.
        err: on standard error, not on standard output.
    """
    typer.echo(visible(text), err=err)


class _PlainConsole(Console):
    """A console whose own control sequences are the only ones that reach the terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich renders it, with text made visible; a segment with `control` is rich's own."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


def plain_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that prints text as it is: paths and messages may hold brackets and colons.

    Args:
        stderr: on standard error, not on standard output.
        width: characters of a line; None for what the terminal has.
    """
    return _PlainConsole(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
