"""The command that lists and checks plug-ins."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson, option
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.plugins import all_plugins


def plugins(
    check: Annotated[
        list[str] | None,
        option(
            "NAME",
            "Run all checks for methods or data sets on this plug-in, which takes a minute; "
            "repeatable.",
        ),
    ] = None,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="With --check: only the checks of methods that take seconds."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the methods and data sets that other packages provide.

    Any installed package can provide them through the entry points `sparsest.methods` and
    `sparsest.datasets`. The exit code is 1 if one cannot be used or fails a check.
    """
    if fast and not check:
        raise UserError("--fast needs --check NAME")
    if check:
        # A list, so that every plug-in is checked even if an earlier one fails.
        if not all([_passes(name, fast=fast) for name in check]):
            raise typer.Exit(1)
        return
    found = all_plugins()
    if as_json:
        print(json.dumps([asdict(plugin) for plugin in found]))
    elif not found:
        print("No installed package provides methods or data sets.")
    else:
        print_line(*map(str, found))
    if any(plugin.problem for plugin in found):
        raise typer.Exit(1)


def _passes(name: str, *, fast: bool) -> bool:
    """Print the result of each check of a plug-in; return whether it passes all of them."""
    from workers.plugin_check import UnusablePlugin, check_plugin

    passes = True
    try:
        for result in check_plugin(name, fast=fast):
            if result.problem:
                passes = False
                print_line(f"failed  {name}: {result.guarantee} Problem: {result.problem}")
                print_line(*(f"        {line}" for line in result.traceback.splitlines()))
            else:
                print_line(f"ok      {name}: {result.guarantee}")
    except UnusablePlugin as error:
        raise UserError(f"--check {name}: {error}") from error
    return passes
