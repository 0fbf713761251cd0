"""Text for the terminal, without the characters that would control it.

Names, commands, hosts and messages in a store come from whoever made the store. A terminal obeys
the control characters in them: it moves the cursor over earlier lines, changes its title, or types
replies. Commands therefore print text for reading through this module. CSV, JSON and Parquet output
keeps every character.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except line feed and tab, other line separators, characters that change the
writing direction, and surrogates, which cannot be encoded."""

_PIPE_WIDTH = 1_000
"""Characters per line where there is no terminal: tables keep all their columns and digits."""


def visible(text: str) -> str:
    r"""Replace each control character by an escape sequence such as \x1b."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def print_line(*lines: str, err: bool = False) -> None:
    """Print lines on standard output, or on standard error with `err`."""
    for line in lines:
        typer.echo(visible(line), err=err)


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


def plain_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that prints text literally, without markup, emoji or highlighting.

    Its `is_interactive` is whether a bar can be redrawn in place. Colours do not depend on it: they
    can be forced into a pipe with FORCE_COLOR.

    Args:
        stderr: print on standard error instead of standard output.
        width: characters per line; None for the width of the terminal.
    """
    stream = sys.stderr if stderr else sys.stdout
    on_terminal = stream is not None and stream.isatty()
    if width is None and not on_terminal and "COLUMNS" not in os.environ:
        width = _PIPE_WIDTH
    # A notebook runs `!sparsest ...` in a pseudo-terminal but shows cursor movements as text.
    interactive = on_terminal and "JPY_PARENT_PID" not in os.environ
    return _PlainConsole(
        stderr=stderr,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_interactive=None if interactive else False,
    )


def print_unwrapped(console: Console, *lines: str) -> None:
    """Print lines on a console as they are, whatever its width."""
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def plain_table(*titles: str, texts: int = 1) -> Table:
    """Return a table without borders: `texts` columns of text, then columns of numbers."""
    table = Table(box=None, header_style="bold")
    for position, title in enumerate(titles):
        is_text = position < texts
        table.add_column(title, justify="left" if is_text else "right", no_wrap=is_text)
    return table


def print_table(table: Table) -> None:
    """Print a table on standard output, wider than the terminal if need be: no number is cut."""
    console = plain_console()
    wanted = plain_console(width=_PIPE_WIDTH).measure(table).maximum
    plain_console(width=max(console.width, wanted)).print(table)
