"""The examples in the docstrings of public names, executed."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

import sparsest
from tests.docs.pages import PAGES, blocks
from tests.installed import forget_plugins

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples_by_name() -> dict[str, list[doctest.DocTest]]:
    """Return the examples of every public function and class."""
    finder = doctest.DocTestFinder()
    found = {}
    for name in sorted(sparsest._exports()):
        value = getattr(sparsest, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            module = inspect.getmodule(value)
            tests = finder.find(value, name, module, globs={})
            found[name] = [test for test in tests if test.examples]
    return found


EXAMPLES = examples_by_name()


def test_every_public_name_has_an_example() -> None:
    assert [name for name, tests in EXAMPLES.items() if not tests] == []
    # Constants and types have no docstring of their own: other examples and the pages use them.
    code = "".join(block.code for page in PAGES for block in blocks(page, "python"))
    code += "".join(
        example.source for tests in EXAMPLES.values() for test in tests for example in test.examples
    )
    constants = sparsest._exports().keys() - EXAMPLES.keys()
    assert [name for name in constants if not re.search(rf"\b{name}\b", code)] == []


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
