from __future__ import annotations

from pathlib import Path

import pytest

from search.plugins import find_plugins
from tests.installed import install

GROUP = "sparsest.methods"


def number(name: str, loaded: object) -> int:
    if not isinstance(loaded, int):
        raise ValueError(f"{name} is no number")
    return loaded


def test_plugin_is_found_with_its_package(site: Path) -> None:
    install(site, "my-numbers", "2.5", {GROUP: {"seven": "my_numbers:SEVEN"}}, my_numbers="SEVEN=7")
    found = find_plugins(GROUP, (), number)
    assert found.usable == {"seven": 7}
    assert [str(plugin) for plugin in found.plugins] == [
        "method 'seven' of the package my-numbers 2.5"
    ]
    assert find_plugins("sparsest.datasets", (), number).plugins == ()


@pytest.mark.parametrize(
    ("name", "code", "problem"),
    [
        ("bad", "1 / 0", "bad_numbers:X: ZeroDivisionError: division by zero"),
        ("bad", "import sys; sys.exit(3)", "sys.exit(3)"),
        ("bad", "import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("bad", "def X(: pass", "SyntaxError"),
        ("bad", "Y = 1", "has no attribute 'X'"),
        ("bad", "X = 'text'", "bad is no number"),
        ("Bad", "X = 1", "its name is not valid"),
        ("eight", "X = 1", "its name is taken"),
        ("seven", "X = 1", "its name is taken: several installed packages"),
    ],
)
def test_broken_plugin_does_not_affect_others(
    site: Path, name: str, code: str, problem: str
) -> None:
    install(site, "my-numbers", "2.5", {GROUP: {"seven": "my_numbers:SEVEN"}}, my_numbers="SEVEN=7")
    install(site, "bad-numbers", "0.1", {GROUP: {name: "bad_numbers:X"}}, bad_numbers=code)
    found = find_plugins(GROUP, ("eight",), number)
    (broken,) = [one for one in found.plugins if one.problem and one.package == "bad-numbers"]
    assert problem in broken.problem
    assert f"{name!r} of the package bad-numbers 0.1 cannot be used: " in str(broken)
    # Of two plug-ins with one name none is used, because the order of installation would decide.
    assert found.usable == ({} if name == "seven" else {"seven": 7})
