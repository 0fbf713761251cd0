"""The public module: names load on first use, and every listing of them agrees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sparsest

ROOT = Path(__file__).resolve().parents[1]

LAZY = sorted({*sparsest.__all__} - {"__version__"})


@pytest.mark.parametrize("name", LAZY)
def test_public_name_loads(name: str) -> None:
    assert getattr(sparsest, name) is not None
    assert name in dir(sparsest)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="opne"):
        sparsest.opne  # noqa: B018


def test_public_names_are_those_that_type_checkers_see() -> None:
    assert sorted(sparsest._exports()) == LAZY


@pytest.mark.parametrize(
    ("name", "package"), [("draw", "matplotlib"), ("plot_pareto", "matplotlib")]
)
def test_missing_optional_package_names_the_extra(name: str, package: str) -> None:
    code = f"import sys, sparsest; sys.modules[{package!r}] = None; sparsest.{name}"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "sparsest[report]" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "words", [["show", "--published", "random:227124"], ["report", "--published"]]
)
def test_command_without_its_optional_package_names_the_extra(
    words: list[str], tmp_path: Path
) -> None:
    code = (
        "import sys, sparsest; sys.modules['matplotlib'] = sys.modules['plotly'] = None; "
        f"sys.argv[1:] = {words!r} + ['--output', {str(tmp_path / 'out.svg')!r}]; sparsest.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "sparsest[report]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_import_loads_no_package() -> None:
    code = (
        "import json, sys, sparsest; "
        "print(json.dumps([n for n in sparsest.PACKAGES if n in sys.modules]))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(loaded.stdout) == []
