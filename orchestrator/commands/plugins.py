"""The command that lists and checks plug-ins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from inspect import getdoc
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson
from orchestrator.display.terminal import plain_console, print_line
from orchestrator.errors import UserError
from orchestrator.plugins import all_plugins
from search.plugins import METHODS_GROUP, Plugin

NOT_AS_IT_SHOULD_BE = 1
"""Exit code where a plug-in cannot be used or fails a check."""


def plugins(
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Hold this plug-in against all that methods or data sets must satisfy; "
            "repeatable. Takes a minute.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods and data sets that other packages bring.

    Any installed package can bring some, through the entry points `sparsest.methods` and
    `sparsest.datasets`. The exit code is 1 where one cannot be used, or fails a check.
    """
    found = all_plugins()
    if check:
        _check([_named(name, found) for name in check])
        return
    if as_json:
        print(json.dumps([asdict(plugin) for plugin in found]))
    elif not found:
        print("no installed package brings methods or data sets")
    else:
        console = plain_console()
        for plugin in found:
            console.print(str(plugin), soft_wrap=True)
    if any(plugin.problem for plugin in found):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _named(name: str, found: list[Plugin]) -> Plugin:
    for plugin in found:
        if plugin.name == name:
            if plugin.problem:
                raise UserError(str(plugin))
            return plugin
    there = ", ".join(plugin.name for plugin in found) or "none"
    raise UserError(f"--check {name}: there is no such plug-in; there are: {there}")


def _check(wanted: list[Plugin]) -> None:
    # Imported here: only the checks need torch, which takes seconds to load.
    from workers.conformance import DATASET_CHECKS, METHOD_CHECKS

    failed = False
    for plugin in wanted:
        for check in METHOD_CHECKS if plugin.group == METHODS_GROUP else DATASET_CHECKS:
            try:
                check(plugin.name)
            except Exception as error:  # somebody else's code: anything can come out of it
                failed = True
                kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
                print_line(f"failed  {plugin.name}: {_holds(check)} Not so: {kind}{error}")
            else:
                print_line(f"ok      {plugin.name}: {_holds(check)}")
    if failed:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _holds(check: Callable[[str], None]) -> str:
    """What a check makes sure of: its name is that of the failure, and would read both ways."""
    return (getdoc(check) or check.__name__).splitlines()[0]
