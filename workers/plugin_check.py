"""The conformance checks of one plug-in, run in a process that the plug-in may end or disturb."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getdoc

from search.process_state import error_text
from workers.child_python import child_command, child_environment


class UnusablePlugin(ValueError):  # noqa: N818 - describes the plug-in
    """No plug-in has the name, or the plug-in cannot be used."""


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes:
        guarantee: sentence that holds if the check passes.
        problem: contradiction to it; empty if the check passes.
        traceback: traceback of an exception that the plug-in's code raised; empty if it raised
            none.
    """

    guarantee: str
    problem: str = ""
    traceback: str = ""


def check_plugin(name: str, *, fast: bool = False) -> Iterator[CheckResult]:
    """Yield the result of each check of a plug-in; `UnusablePlugin` if it cannot be used.

    `fast` runs only `workers.conformance.FAST_METHOD_CHECKS` of a method.
    """
    read, write = os.pipe()
    child = subprocess.Popen(
        child_command(__name__, str(write), name, "fast" if fast else "all"),
        env=child_environment(),
        pass_fds=[write],
        stdout=2,  # the plug-in may print, but the results alone belong on standard output
    )
    os.close(write)
    running = "The check starts."
    finished = False
    try:
        with open(read, encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                if "unusable" in entry:
                    raise UnusablePlugin(entry["unusable"])
                running, finished = entry["guarantee"], "problem" in entry
                if finished:
                    yield CheckResult(running, entry["problem"], entry["traceback"])
        code = child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    if not finished or code != 0:
        yield CheckResult(running, f"its code ended the process with exit code {code}")


def _run_checks(write: int, name: str, which: str) -> None:
    """Run the checks in this process and write one JSON line before and after each."""
    from search.datasets import plugin_datasets
    from search.methods import plugin_methods
    from search.plugins import METHODS_GROUP

    with open(write, "w", encoding="utf-8") as output:

        def report(**entry: str) -> None:
            print(json.dumps(entry), file=output, flush=True)

        report(guarantee="Plug-ins can be imported.")
        plugins = {p.name: p for p in (*plugin_methods().plugins, *plugin_datasets().plugins)}
        plugin = plugins.get(name)
        if plugin is None:
            available = ", ".join(plugins) or "none"
            report(unusable=f"no plug-in is named {name!r}; available: {available}")
            return
        if plugin.problem:
            report(unusable=str(plugin))
            return
        from workers.conformance import DATASET_CHECKS, FAST_METHOD_CHECKS, METHOD_CHECKS

        of_methods = FAST_METHOD_CHECKS if which == "fast" else METHOD_CHECKS
        for check in of_methods if plugin.group == METHODS_GROUP else DATASET_CHECKS:
            guarantee = (getdoc(check) or check.__name__).splitlines()[0]
            report(guarantee=guarantee)
            problem = raised = ""
            try:
                check(name)
            except AssertionError as error:
                problem = str(error)
            except Exception as error:  # third-party code may raise anything
                problem = error_text(error)
                raised = traceback.format_exc()
            report(guarantee=guarantee, problem=problem, traceback=raised)


if __name__ == "__main__":
    try:
        _run_checks(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    except KeyboardInterrupt:
        sys.exit(130)
