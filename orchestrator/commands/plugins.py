"""The commands for plug-ins: one that writes a package to start from, and one that checks."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.options import AsJson, argument, flag, option
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError
from orchestrator.invocation import program
from orchestrator.new_package import PluginKind, Prunes, write_package
from orchestrator.plugins import all_plugins
from search.strategies.catalogue import plugin_strategies


def new(
    kind: Annotated[PluginKind, argument("KIND", "What it provides: method or dataset.")],
    name: Annotated[str, argument("NAME", "Its name, also of the package and its folder.")],
    prunes: Annotated[
        Prunes | None,
        option(
            "WHEN",
            "When a new method prunes: before training, during it at steps known in advance, or "
            "adaptive, between segments of training that it requests. The default is before.",
        ),
    ] = None,
) -> None:
    """Write a package with a new pruning method or data set, and a test that passes.

    The package is a complete example: change its algorithm or its points. It is written into a new
    folder NAME.
    """
    if prunes and kind != "method":
        raise UserError("--prunes is only for `new method`")
    folder = write_package(kind, name, Path(), prunes or "before")
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
        bool, flag("--fast", "With --check: only the checks of methods that take seconds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the methods, data sets and search strategies that other packages provide.

    Any installed package can provide them through the entry points `sparsest.methods`,
    `sparsest.datasets` and `sparsest.strategies`. The exit code is 1 if one cannot be used or fails
    a check.
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
        print("No installed package provides methods, data sets or search strategies.")
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
        strategy = plugin_strategies().plugin(name)
        if strategy is not None:
            checks = "" if strategy.problem else ": strategies have no checks"
            raise UserError(f"--check {name}: {strategy}{checks}") from error
        raise UserError(f"--check {name}: {error}") from error
    return passes
