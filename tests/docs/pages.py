"""The project's pages, and what tests take out of them: code, tables, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SWEEP_FILES, STORE, SQL = (ROOT / "docs" / f"{name}.md" for name in ("sweep-files", "store", "sql"))
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Code between fences.

    Attributes:
        language: what the opening fence says.
        code: the lines between the fences.
        heading: the nearest one above.
        behind: the rest of the page, without leading white space.
    """

    language: str
    code: str
    heading: str
    behind: str


def blocks(page: Path, language: str | None = None, *, having: str = "") -> list[Block]:
    """The fenced code of a page, or that in one language, or that which has some text in it."""
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        heading = _HEADING.findall(_FENCE.sub("", text[: match.start()]))[-1]
        block = Block(match[1], match[2], heading, text[match.end() :].lstrip())
        if language in (None, block.language) and having in block.code:
            found.append(block)
    return found


def the_code(page: Path, language: str, *, having: str = "") -> str:
    """The code of the one such block."""
    (block,) = blocks(page, language, having=having)
    return block.code


def prose(page: Path) -> str:
    """A page without its fenced code."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """What links to a page may have behind the #."""
    headings = _HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(page: Path, heading: str) -> list[list[str]]:
    """Rows under a heading whose first cell is code, over all its tables; cells without quotes."""
    _, behind = page.read_text().split(f"\n## {heading}\n")
    lines = [line for line in behind.split("\n## ")[0].splitlines() if line.startswith("| `")]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[cell.strip().replace("\\|", "|").strip("`") for cell in row] for row in rows]
