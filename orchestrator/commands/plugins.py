"""The commands for plug-ins: one that writes a package to start from, and one that checks."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.commands.options import AsJson, argument, flag, option
from orchestrator.display.terminal import print_line
from orchestrator.errors import UserError, user_errors
from orchestrator.invocation import program
from orchestrator.plugins import all_plugins
from search.datasets import dataset_names
from search.method import TO_TARGET, Method
from search.methods import all_methods
from search.plugins import check_name
from search.strategies.catalogue import plugin_strategies

PluginKind = Literal["method", "dataset"]

_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"
dependencies = ["sparsest"]

[project.entry-points."sparsest.{group}"]
{name} = "{module}:{target}"

[tool.setuptools]
packages = ["{module}"]
"""

_METHOD = '''\
"""The pruning method {name}."""

from sparsest import TO_TARGET, Method

METHOD = Method(
    name="{name}",
    prunes="before",  # before training; or "during" or "adaptive"
    keys=TO_TARGET,  # sweep files give a target_nnz
    module="{module}.algorithm",
    cost=(1.0, 100.0),  # time to choose the masks: ms, and ns more per weight; for `plan`
)
'''

_ALGORITHM = '''\
"""The masks of {name}: the largest initial weights, in whichever layer they are."""

import numpy as np

from sparsest import Pruned, bias_masks, by_layer, highest, target_of


def prune(experiment, layers, batches):
    """Return the masks of weights and biases; see `sparsest.PrunesBefore`."""
    scores = np.abs(np.concatenate([weight.ravel() for weight, _ in layers]))
    kept = highest(scores, target_of(experiment, len(scores)))
    masks = by_layer(kept, [weight.shape for weight, _ in layers])
    return Pruned(masks, bias_masks(masks))
'''

_METHOD_TEST = '''\
"""The contract of a pruning method; `sparsest plugins --check {name}` runs all of its checks."""

import pytest

from sparsest import FAST_METHOD_CHECKS


@pytest.mark.parametrize("check", FAST_METHOD_CHECKS, ids=lambda check: check.__name__)
def test_method_satisfies_the_contract(check):
    check("{name}")
'''

_DATASET = '''\
"""The data set {name}: two classes on both sides of a circle."""

import numpy as np

from sparsest import Dataset, standardised


def dataset():
    """Return 1,024 points, the same ones on every call."""
    points = np.random.default_rng(0).uniform(-1, 1, size=(1024, 2))
    labels = (points**2).sum(axis=1) < 0.6
    return Dataset.of("{name}", standardised(points), labels)
'''

_DATASET_TEST = '''\
"""The contract of a data set; `sparsest plugins --check {name}` runs the same checks."""

import pytest

from sparsest import DATASET_CHECKS


@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
def test_data_set_satisfies_the_contract(check):
    check("{name}")
'''


def write_package(kind: PluginKind, name: str, parent: Path) -> Path:
    """Write a package with a working plug-in into a new folder of its name; return the folder."""
    is_method = kind == "method"
    with user_errors(f"{name!r}: "):
        check_name(name)
        if is_method:
            # Imported here: it needs pydantic, which takes long to import.
            from search.plugin_methods import check_method

            check_method(name, Method(name, "before", TO_TARGET, name, cost=(1.0, 100.0)))
    if name in (all_methods() if is_method else dataset_names()):
        raise UserError(f"there is a {kind} {name!r} already; choose another name")
    module = name.replace("-", "_").replace(".", "_")
    if not module.isidentifier():
        raise UserError(f"{name!r} begins with a digit, so no Python module can have that name")
    # A folder without `__init__.py` has no origin, and hides no package.
    if iskeyword(module) or getattr(find_spec(module), "origin", None):
        raise UserError(
            f"{name!r}: Python already has a keyword or module {module!r}; choose another name"
        )
    group, target = ("methods", "METHOD") if is_method else ("datasets", "dataset")
    files = {
        "pyproject.toml": _PROJECT,
        f"{module}/__init__.py": _METHOD if is_method else _DATASET,
        f"tests/test_{module}.py": _METHOD_TEST if is_method else _DATASET_TEST,
    }
    if is_method:
        files[f"{module}/algorithm.py"] = _ALGORITHM
    folder = parent / name
    try:
        folder.mkdir()
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text.format(name=name, module=module, group=group, target=target))
    except FileExistsError as error:
        raise UserError(f"{folder} exists: choose another name, or remove it") from error
    except OSError as error:
        raise UserError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return folder


def new(
    kind: Annotated[PluginKind, argument("KIND", "What it provides: method or dataset.")],
    name: Annotated[str, argument("NAME", "Its name, also of the package and its folder.")],
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
