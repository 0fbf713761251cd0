"""Builds the manual: `make docs`, or `python -m docs.site.build`.

The pages are those of the repository, as they are: they are copied to build/manual with what they
link to, so that every link between them resolves here as it does there. To them come a front page
(the README), the reference of commands, which typer writes, and that of functions, which Sphinx
takes from the docstrings. The site is build/site; a link that leads nowhere is an error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs.site.navigation import NAVIGATION

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "build" / "manual"
SITE = ROOT / "build" / "site"

BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md")
"""Pages outside of docs/, but for the README."""

_LINK = re.compile(r"\]\(([^)\s#]+)[^)\s]*\)")


def main() -> int:
    """Makes build/manual and build/site anew; returns the exit code of Sphinx."""
    for folder in (SOURCE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE / "docs", ignore=shutil.ignore_patterns("site"))
    for name in BESIDE:
        shutil.copy(ROOT / name, SOURCE / name)
    copy_linked()
    reference = SOURCE / "docs" / "reference"
    reference.mkdir()
    (reference / "commands.md").write_text(commands())
    shutil.copy(Path(__file__).with_name("functions.rst"), reference / "functions.rst")
    (SOURCE / "index.md").write_text(front_page())
    for page in (SOURCE / "docs").rglob("*.md"):
        page.write_text(page.read_text().replace("../README.md", "../index.md"))
    conf = str(Path(__file__).parent)
    # Every warning is an error: a link that leads nowhere, a page that no navigation names.
    words = ["-W", "--keep-going", "-q", "-j", "auto", "-c", conf, str(SOURCE), str(SITE)]
    return subprocess.run([sys.executable, "-m", "sphinx", *words]).returncode


def copy_linked() -> None:
    """Copies the files outside of docs/ that pages link to, such as examples and licence."""
    pages = [ROOT / "README.md", *(ROOT / name for name in BESIDE), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for link in _LINK.findall(page.read_text()):
            linked = (page.parent / link).resolve()
            if not linked.is_file() or not linked.is_relative_to(ROOT) or linked.suffix == ".md":
                continue
            copy = SOURCE / linked.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                shutil.copy(linked, copy)


def front_page() -> str:
    """The README, with the navigation behind it."""
    text = (ROOT / "README.md").read_text()
    trees = []
    for heading, pages in NAVIGATION.items():
        there = [page for page in pages if page.endswith("*") or exists(page)]
        lines = "\n".join(there)
        glob = ":glob:\n" if any(page.endswith("*") for page in there) else ""
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {heading}\n{glob}\n{lines}\n```\n")
    return text + "\n" + "\n".join(trees)


def exists(page: str) -> bool:
    """Whether there is a page of that name."""
    return any((SOURCE / page).with_suffix(suffix).exists() for suffix in (".md", ".rst"))


def commands() -> str:
    """What `sparsest COMMAND --help` says, of all commands."""
    words = ["-m", "typer", "orchestrator.cli", "utils", "docs", "--name", "sparsest"]
    done = subprocess.run(
        [sys.executable, *words, "--title", "Commands"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    # The list at its beginning cuts sentences off; the page's own contents stand beside it.
    return re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", done.stdout)


if __name__ == "__main__":
    sys.exit(main())
