"""Commands in the comments of the cluster's files, and inside other commands of docs/cluster.md."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from orchestrator.cli import app

ROOT = Path(__file__).resolve().parents[2]
GROUP: Any = typer.main.get_command(app)
COMMANDS = {name: GROUP.get_command(None, name) for name in GROUP.list_commands(None)}

FILES = [ROOT / "cluster.yaml", *sorted((ROOT / "cluster").iterdir()), ROOT / "docs" / "cluster.md"]


def command_lines(file: Path) -> list[str]:
    """Return the arguments of `sparsest` inside other commands: in quotes, after `--` or `&&`."""
    text = file.read_text().replace("\\\n", " ")
    return re.findall(r"(?:'|&& |-- |bin/)sparsest ([a-z][^'\n&|]*)", text)


LINES = [(file.name, line) for file in FILES for line in command_lines(file)]


@pytest.mark.parametrize(("name", "line"), LINES)
def test_command_exists_with_its_options(name: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    COMMANDS[words[0]].make_context(words[0], words[1:])


def test_every_file_has_commands() -> None:
    assert {name for name, _ in LINES} >= {"cluster.yaml", "local.yaml", "cluster.md"}
