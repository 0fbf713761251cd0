"""The command `new`: a package with a plug-in to start from."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.display.terminal import print_line
from orchestrator.invocation import program
from orchestrator.plugin_package import write_package


class PluginKind(StrEnum):
    """Kind of object that a plug-in provides."""

    method = "method"
    dataset = "dataset"


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
    folder = write_package(kind.value, name, Path())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print_line(str(path))
    quoted = shlex.quote(str(folder))
    print_line("next:")
    if kind is PluginKind.method:
        print_line(f"  {program()} try {quoted} --width 8 --target 30")
    print_line(f"  pip install -e ./{quoted}")
    print_line(f"  pytest {quoted}")
    print_line(f"  {program()} plugins --check {quoted}")
