"""Links and command lines of all pages, and the README's examples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

import sparsest
from orchestrator.cli import app
from orchestrator.planning.targets import find_targets
from tests.docs.pages import PAGES, README, anchors, blocks, prose, the_code

GROUP: Any = typer.main.get_command(app)
COMMANDS = {name: GROUP.get_command(None, name) for name in GROUP.list_commands(None)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_resolves(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page))):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


def command_lines() -> list[str]:
    """Return the arguments of every `sparsest` call on the pages, in code and in prose."""
    lines = []
    # Double quotes may enclose several lines.
    call = r'(?:\$ )?sparsest ((?:[^"\n]|"[^"]*")+)$'
    for page in PAGES:
        for block in blocks(page):
            lines += re.findall(f"^{call}", block.code, re.MULTILINE)
        lines += re.findall(f"^ {{4,}}{call}", prose(page), re.MULTILINE)
        lines += re.findall(r"`sparsest\s([^`]+)`", prose(page))
    return list(dict.fromkeys(" ".join(line.split()) for line in lines))


@pytest.mark.parametrize("line", command_lines())
def test_commands_on_the_pages_are_valid(line: str) -> None:
    words = shlex.split(line, comments=True)
    ends = [words.index(sign) for sign in ("|", ">", "&&") if sign in words]
    # N stands for any number.
    words = ["1" if word == "N" else word for word in words[: min(ends, default=None)]]
    if words[0].startswith("-"):
        assert words[0] in options(GROUP)
    else:
        assert words[0] in COMMANDS
        COMMANDS[words[0]].make_context(words[0], words[1:])


def options(command: Any) -> set[str]:
    return {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


@pytest.mark.parametrize(
    "page",
    # The page on clusters explains options of Ray.
    [page for page in PAGES if page.name != "cluster.md"],
    ids=lambda page: page.name,
)
def test_options_in_prose_exist(page: Path) -> None:
    known = set().union(*(options(command) for command in COMMANDS.values()))
    assert set(re.findall(r"`(--[\w-]+)", prose(page))) <= known


def test_readme_sweep_file_is_the_one_that_its_commands_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("example.toml").write_text(the_code(README, "toml"))
    (selection,) = find_targets(["example.toml"])
    assert f"sparsest run {selection.study.name}.toml" in README.read_text()


def test_readme_code_prints_the_recorded_accuracy(
    store: sparsest.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    # The page opens the demo's store, which takes minutes to make; the test's is `runs/paper`.
    code = the_code(README, "python")
    assert 'open("runs/demo")' in code
    exec(code.replace("runs/demo", "runs/paper"), {})
    measured, recorded = map(float, capsys.readouterr().out.split())
    assert measured == pytest.approx(recorded, abs=1e-4)
    assert recorded >= 0.95
