"""The named queries of `findings.sql`, used by the report and shown in docs/results.md."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from textwrap import indent
from typing import Final

_FILE: Final = Path(__file__).with_name("findings.sql")
_NAMED: Final = re.compile(r"^-- name: ([\w ]+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"^--.*\n?", re.MULTILINE)
_CHOICE: Final = re.compile(r"\{([^{}|]+)\|([^{}|]+)\}")
_REFERENCE: Final = re.compile(r"\(\$(\w+)\)")


def names() -> tuple[str, ...]:
    """Return the names of all queries, in the order of the file."""
    return tuple(_queries())


def question(name: str) -> str:
    """Return the SQL of a query, with the queries that it refers to filled in.

    Raises:
        KeyError: there is no query of this name.
    """

    def inner(match: re.Match[str]) -> str:
        return f"(\n{indent(question(match[1]), '    ')}\n)"

    return _REFERENCE.sub(inner, _queries()[name])


@cache
def _queries() -> dict[str, str]:
    text = _FILE.read_text(encoding="utf-8")
    return {
        name: _CHOICE.sub(rf"\{number}", _COMMENT.sub("", sql).strip())
        for listed, sql in _NAMED.findall(text)
        for number, name in enumerate(listed.split(), start=1)
    }
