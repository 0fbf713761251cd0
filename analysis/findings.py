"""The questions of `findings.sql`, by name: asked by the report, and shown in docs/results.md."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("findings.sql")
_NAMED: Final = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"^--.*\n?", re.MULTILINE)
_OTHER: Final = re.compile(r"\(\$(\w+)\)")


def names() -> tuple[str, ...]:
    """Of all questions, in the order of the file."""
    return tuple(_questions())


def question(name: str) -> str:
    """The SQL of a question, with those that it builds on in their places.

    Raises:
        KeyError: there is none of that name.
    """
    return _OTHER.sub(lambda match: f"(\n{_indented(question(match[1]))}\n)", _questions()[name])


@cache
def _questions() -> dict[str, str]:
    text = _FILE.read_text(encoding="utf-8")
    return {name: _COMMENT.sub("", sql).strip() for name, sql in _NAMED.findall(text)}


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" for line in sql.splitlines())
