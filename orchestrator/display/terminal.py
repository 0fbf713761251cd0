"""Text for the terminal, without the characters that would control it.

Names, commands, hosts and messages in a store come from whoever made the store. A terminal obeys
the control characters in them: it moves the cursor over earlier lines, changes its title, or types
replies. Commands therefore print text for reading through this module. CSV, JSON and Parquet output
keeps every character.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from shutil import get_terminal_size
from textwrap import fill

import typer

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except line feed and tab, other line separators, characters that change the
writing direction, and surrogates, which cannot be encoded."""

PIPE_WIDTH = 1_000
"""Characters per line where there is no terminal: tables keep all their columns and digits."""


def visible(text: str) -> str:
    r"""Replace each control character by an escape sequence such as \x1b."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def print_line(*lines: str, err: bool = False) -> None:
    """Print lines on standard output, or on standard error with `err`."""
    for line in lines:
        typer.echo(visible(line), err=err)


def print_paragraph(text: str, indent: str = "") -> None:
    """Print text on standard output, wrapped at the width of the terminal if there is one."""
    width = get_terminal_size((PIPE_WIDTH, 0)).columns
    print_line(fill(text, width, initial_indent=indent, subsequent_indent=indent))


def display_width(text: str) -> int:
    """Return the number of terminal cells of a text: Chinese characters take two, accents none."""
    if text.isascii():
        return len(text)
    # Imported here: most tables do without.
    from rich.cells import cell_len

    return cell_len(text)


def text_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, texts: Collection[int] = (0,)
) -> list[str]:
    """Return the lines of a table, its titles first.

    No cell is cut or wrapped: the lines can be wider than the terminal. A cell can have several
    lines.

    Args:
        titles: title of each column.
        rows: cells of each row.
        texts: positions of the columns with text; the others hold numbers, and align right.
    """
    lines = [
        parts
        for row in (titles, *rows)
        for parts in zip_longest(*(visible(cell).split("\n") for cell in row), fillvalue="")
    ]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]

    def padded(cell: str, position: int) -> str:
        blanks = " " * (widths[position] - display_width(cell))
        return cell + blanks if position in texts else blanks + cell

    return ["  ".join(map(padded, line, range(len(line)))).rstrip() for line in lines]


def print_table(lines: Sequence[str], *, err: bool = False) -> None:
    """Print a table from `text_table`, with bold titles where there is a terminal."""
    titles, *rows = lines
    typer.echo(typer.style(titles, bold=True), err=err)
    print_line(*rows, err=err)
