"""The command `new`: a package with a plug-in to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.display.terminal import print_line
from orchestrator.invocation import program
from orchestrator.plugin_package import PluginKind, write_package


def new(
    kind: Annotated[
        PluginKind, typer.Argument(metavar="KIND", help="What it provides: method or dataset.")
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name, also of the package and its folder.")
    ],
) -> None:
    """Write a package with a new pruning method or data set, and a test that passes.

    The package is a complete example: change its algorithm or its points. It is written into a new
    folder NAME.
    """
    folder = write_package(kind, name, Path())
    print_line(*map(str, sorted(path for path in folder.rglob("*") if path.is_file())))
    quoted = shlex.quote(str(folder))
    print_line("next:")
    if kind == "method":
        print_line(f"  {program()} try {quoted} --width 8 --target 30")
    print_line(
        f"  pip install -e ./{quoted}",
        f"  pytest {quoted}",
        f"  {program()} plugins --check {quoted}",
    )
