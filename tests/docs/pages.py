"""The project's pages, and what the tests read from them: code, tables, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SWEEP_FILES, SWEEP_RECIPES, STORE, MANAGE, S3, SQL = (
    ROOT / "docs" / f"{name}.md"
    for name in ("sweep-files", "sweep-recipes", "store", "manage-a-store", "s3", "sql")
)
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Fenced code.

    Attributes:
        language: language named by the opening fence.
        code: lines between the fences.
        heading: nearest heading above.
        following: rest of the page, without leading white space.
    """

    language: str
    code: str
    heading: str
    following: str


def blocks(page: Path, language: str | None = None, *, containing: str = "") -> list[Block]:
    """Return the fenced code of a page, optionally in one language or containing a text."""
    text = page.read_text()
    matching = []
    for match in _FENCE.finditer(text):
        heading = _HEADING.findall(_FENCE.sub("", text[: match.start()]))[-1]
        block = Block(match[1], match[2], heading, text[match.end() :].lstrip())
        if language in (None, block.language) and containing in block.code:
            matching.append(block)
    return matching


def the_code(page: Path, language: str, *, containing: str = "") -> str:
    """Return the code of the only such block."""
    (block,) = blocks(page, language, containing=containing)
    return block.code


def prose(page: Path) -> str:
    """Return a page without its fenced code."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = _HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(page: Path, heading: str) -> list[list[str]]:
    """Return the rows below a heading whose first cell is code, without the backticks."""
    _, below = page.read_text().split(f"\n## {heading}\n")
    lines = [line for line in below.split("\n## ")[0].splitlines() if line.startswith("| `")]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[cell.strip().replace("\\|", "|").strip("`") for cell in row] for row in rows]
