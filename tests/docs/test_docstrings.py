"""The examples in the docstrings of public names, executed."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path

import pytest

import sparsest
from tests.installed import forget_plugins

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def with_examples() -> dict[str, list[doctest.DocTest]]:
    """Return the examples of every public name that has some."""
    finder = doctest.DocTestFinder()
    found = {}
    for name in sorted(sparsest._EXPORTS):
        value = getattr(sparsest, name)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        module = inspect.getmodule(value)
        tests = [test for test in finder.find(value, name, module, globs={}) if test.examples]
        if tests:
            found[name] = tests
    return found


EXAMPLES = with_examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_gives_the_output_that_is_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for test in EXAMPLES[name]:
        runner.run(test, out=report.append)
    forget_plugins()
    assert not runner.failures, "".join(report)
